//! Successful answers in the web client's envelope.

use axum::Json;
use chrono::Utc;
use contract::response::ApiResponse;
use contract::text::Text;

use crate::context;

/// `AR<T>`, its message in the request's language.
pub fn reply<T>(data: T, message: &Text) -> Json<ApiResponse<T>> {
    Json(ApiResponse::new(data, message.in_language(context::language()), Utc::now()))
}
