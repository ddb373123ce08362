//! Watching an execution, by server-sent events.

use axum::extract::State;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use chassis::db;
use chassis::extract::ApiPath;
use contract::id::ExecutionId;
use contract::problem::Problem;
use http::{HeaderName, HeaderValue};

use super::operator::Operator;
use crate::error::Error;
use crate::live::HEARTBEAT;
use crate::repository::execution_view;
use crate::state::AppState;

/// Follows an execution: `progress` with an `Execution` now and whenever it has changed, then `end` with the last.
#[utoipa::path(
    get,
    path = "/api/batch/executions/{id}/stream",
    tag = "executions",
    params(("id" = ExecutionId, Path)),
    responses(
        (status = 200, description = "Events until it is over", body = String, content_type = "text/event-stream"),
        (status = 401, description = "A001 or A002", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A003: no administrator", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "E002: no such execution", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "G002: too many watch this instance", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("service" = []))
)]
pub async fn stream_execution(
    State(state): State<AppState>,
    operator: Operator,
    ApiPath(id): ApiPath<ExecutionId>,
) -> Result<Response, Error> {
    let mut tx = db::begin(&state.db).await?;
    let execution = execution_view::get(&mut tx, id).await?.ok_or(Error::ExecutionNotFound)?;
    tx.commit().await?;
    let events = state.streams.open(execution, operator.user).ok_or(Error::TooManyStreams)?;
    let mut response =
        Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("ping")).into_response();
    // A proxy in between must pass it on piece by piece.
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}
