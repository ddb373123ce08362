//! Turns what is not yet a problem into one: panics, and the plain errors of axum's own parts.

use std::any::Any;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use contract::code::ErrorCode;
use contract::text::Text;
use http::{StatusCode, header};

use crate::error::ApiError;

pub(super) const NO_ROUTE: Text =
    Text::new("요청한 경로를 찾을 수 없습니다.", "There is nothing at this path.");
pub(super) const METHOD: Text =
    Text::new("이 경로에서 지원하지 않는 메서드입니다.", "This path does not support this method.");

/// The panic itself is logged by the hook that telemetry installs.
pub(super) fn panicked(_panic: Box<dyn Any + Send>) -> Response {
    ApiError::internal("a handler panicked").into_response()
}

/// Replaces the body of errors that have no type or are plain text; JSON of a handler's own stays.
pub(super) async fn plain_errors(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || !is_plain(&response) {
        return response;
    }
    let code = match status {
        StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::BadRequest,
        StatusCode::UNAUTHORIZED => ErrorCode::TokenInvalid,
        StatusCode::FORBIDDEN => ErrorCode::AccessDenied,
        StatusCode::TOO_MANY_REQUESTS => ErrorCode::RateLimited,
        StatusCode::SERVICE_UNAVAILABLE => ErrorCode::UpstreamUnavailable,
        StatusCode::GATEWAY_TIMEOUT => ErrorCode::UpstreamTimeout,
        status if status.is_server_error() => ErrorCode::Internal,
        _ => ErrorCode::BadRequest,
    };
    let mut problem = ApiError::new(code).status(status).into_response();
    // What the answer promised beside its body stays, e.g. `Allow`.
    for (name, value) in response.headers() {
        if *name != header::CONTENT_TYPE && *name != header::CONTENT_LENGTH {
            problem.headers_mut().entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    problem
}

fn is_plain(response: &Response) -> bool {
    match response.headers().get(header::CONTENT_TYPE) {
        None => true,
        Some(value) => value.as_bytes().starts_with(b"text/plain"),
    }
}
