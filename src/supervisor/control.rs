//! The control API: HTTP over a unix socket, for the verbs of `doran` and nobody else's user.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::serve::IncomingStream;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::WatchStream;

use super::report::StateReport;
use crate::stack::Stack;

/// A verb's request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Ask {
    /// Bring these units up with what they need; none means all. `stack` replaces the specs of units that start
    /// from now on.
    Up {
        units: Vec<String>,
        stack: Box<Stack>,
    },
    Start {
        units: Vec<String>,
    },
    /// Stop these with what needs them.
    Stop {
        units: Vec<String>,
    },
    Restart {
        units: Vec<String>,
    },
    /// Stop everything, then end the supervisor.
    Shutdown,
    /// Kill everything at once, then end the supervisor.
    Kill,
}

/// The runtime's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Reply {
    /// The units that the request concerns.
    Units(Vec<String>),
    Refused(String),
}

pub(crate) struct Asked {
    pub ask: Ask,
    pub reply: oneshot::Sender<Reply>,
}

#[derive(Clone)]
struct Control {
    asks: mpsc::Sender<Asked>,
    reports: watch::Receiver<Arc<StateReport>>,
    started: Instant,
}

/// The user at the other end of a connection.
#[derive(Clone, Copy)]
struct Peer {
    uid: Option<u32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self { uid: stream.io().peer_cred().ok().map(|cred| cred.uid()) }
    }
}

/// Binds the socket, replacing one that a dead supervisor left. The lease must be held.
pub(crate) fn bind(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    UnixListener::bind(path)
}

/// Serves the verbs and what was `collected` until `end`, and then until every answer that is on its way has been given.
pub(crate) async fn serve(
    listener: UnixListener,
    asks: mpsc::Sender<Asked>,
    reports: watch::Receiver<Arc<StateReport>>,
    started: Instant,
    collected: Router,
    end: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let app = Router::new()
        .route("/v1/state", get(state))
        .route("/v1/watch", get(watch_states))
        .route("/v1/ask", post(ask))
        .with_state(Control { asks, reports, started })
        .merge(collected)
        .layer(middleware::from_fn(own_user_only));
    axum::serve(listener, app.into_make_service_with_connect_info::<Peer>())
        // A sender that was dropped means the same.
        .with_graceful_shutdown(async move { drop(end.await) })
        .await
}

/// The directory is 0700 already; this holds when somebody loosens it.
async fn own_user_only(ConnectInfo(peer): ConnectInfo<Peer>, request: Request, next: Next) -> Response {
    let own = rustix::process::geteuid().as_raw();
    match peer.uid {
        Some(uid) if uid == own || uid == 0 => next.run(request).await,
        Some(_) | None => StatusCode::FORBIDDEN.into_response(),
    }
}

async fn state(State(control): State<Control>) -> Json<StateReport> {
    let report = Arc::clone(&control.reports.borrow());
    Json(aged((*report).clone(), control.started))
}

/// NDJSON: the present state, then every change until the client leaves or the supervisor ends.
async fn watch_states(State(control): State<Control>) -> Response {
    let started = control.started;
    let lines = WatchStream::new(control.reports).map(move |report| {
        let mut line = serde_json::to_vec(&aged((*report).clone(), started)).unwrap_or_default();
        line.push(b'\n');
        Ok::<_, Infallible>(Bytes::from(line))
    });
    ([("content-type", "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

async fn ask(State(control): State<Control>, Json(ask): Json<Ask>) -> Response {
    let (reply, answer) = oneshot::channel();
    if control.asks.send(Asked { ask, reply }).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answer.await {
        Ok(reply) => Json(reply).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Ages are of the moment of asking, not of the last change.
pub(crate) fn aged(mut report: StateReport, started: Instant) -> StateReport {
    let now = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    report.supervisor.uptime_ms = now.unsigned_abs();
    for unit in &mut report.items {
        unit.uptime_ms = unit.pid.and(unit.started_ms).and_then(|started| u64::try_from(now - started).ok());
    }
    report
}
