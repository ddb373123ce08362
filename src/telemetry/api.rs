//! The figures on the control socket: a snapshot, a stream of them, and charts.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

use super::board::{Board, Span};
use super::view::Top;
use crate::supervisor::control::aged;
use crate::supervisor::report::StateReport;

pub(crate) const TOP: &str = "/v1/telemetry";
pub(crate) const WATCH: &str = "/v1/telemetry/watch";

#[derive(Clone)]
struct Telemetry {
    board: Board,
    reports: watch::Receiver<Arc<StateReport>>,
    started: Instant,
}

/// The words of `?span=`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) enum Stretch {
    #[default]
    #[serde(rename = "5m")]
    FiveMinutes,
    #[serde(rename = "15m")]
    QuarterHour,
    #[serde(rename = "24h")]
    Day,
}

#[derive(Deserialize)]
struct ChartQuery {
    #[serde(default)]
    span: Stretch,
}

/// Routes of the control API.
pub(super) fn routes(board: Board, reports: watch::Receiver<Arc<StateReport>>, started: Instant) -> Router {
    Router::new()
        .route(TOP, get(top))
        .route(WATCH, get(watch_top))
        .route("/v1/telemetry/chart/{name}", get(chart))
        .with_state(Telemetry { board, reports, started })
}

impl Telemetry {
    fn report(&self) -> StateReport {
        aged((**self.reports.borrow()).clone(), self.started)
    }
}

async fn top(State(telemetry): State<Telemetry>) -> Json<Top> {
    Json(telemetry.board.top(&telemetry.report()))
}

/// NDJSON: the present figures, then those of every pass until the client leaves or the supervisor ends.
async fn watch_top(State(telemetry): State<Telemetry>) -> Response {
    let mut reports = telemetry.reports.clone();
    let end = async move { while reports.changed().await.is_ok() {} };
    let lines = WatchStream::new(telemetry.board.passes()).map(move |_| {
        let mut line = serde_json::to_vec(&telemetry.board.top(&telemetry.report())).unwrap_or_default();
        line.push(b'\n');
        Ok::<_, Infallible>(Bytes::from(line))
    });
    ([("content-type", "application/x-ndjson")], Body::from_stream(lines.take_until(end))).into_response()
}

/// `?span=5m|15m|24h`
async fn chart(
    State(telemetry): State<Telemetry>,
    Path(name): Path<String>,
    Query(query): Query<ChartQuery>,
) -> Response {
    let span = match query.span {
        Stretch::FiveMinutes => Span::FiveMinutes,
        Stretch::QuarterHour => Span::QuarterHour,
        Stretch::Day => Span::Day,
    };
    match telemetry.board.chart(&telemetry.report(), &name, span) {
        Some(chart) => Json(chart).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
