//! Ends a request when its budget is used up: the caller has stopped waiting.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use contract::code::ErrorCode;
use tokio::time::{Instant, timeout_at};

use crate::context;
use crate::error::ApiError;

/// Bounds the time to the response's head; a stream may go on.
pub(super) async fn enforce(request: Request, next: Next) -> Response {
    let too_late = || ApiError::new(ErrorCode::UpstreamTimeout).into_response();
    let Some(budget) = context::budget() else {
        return next.run(request).await;
    };
    if budget.remaining(Instant::now()).is_none() {
        return too_late();
    }
    timeout_at(budget.deadline(), next.run(request)).await.unwrap_or_else(|_| too_late())
}
