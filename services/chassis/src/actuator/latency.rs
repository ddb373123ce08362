//! `/actuator/latency`: the durations of requests, for who merges and subtracts them.

use axum::response::IntoResponse;
use http::header;

use crate::error::ApiError;
use crate::latency;

/// `GET /actuator/latency`: a cumulative HDR histogram in its V2 encoding, in microseconds.
pub(super) async fn latency() -> Result<impl IntoResponse, ApiError> {
    let bytes = latency::encoded().map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes))
}
