//! The one error body of every service: RFC 9457 with the members that the web client reads.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::code::ErrorCode;

/// `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// The path that was asked for.
    pub instance: String,
    /// Always false: tells the envelope of an error from that of a success.
    pub success: bool,
    /// Always null.
    #[schema(value_type = Option<Object>, required)]
    pub data: (),
    pub message: String,
    pub error_code: ErrorCode,
    #[serde(with = "crate::time::micros")]
    pub timestamp: DateTime<Utc>,
    pub trace_id: String,
    /// Which fields are wrong; only for validation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    pub const CONTENT_TYPE: &str = "application/problem+json";

    /// The URI that names a kind of problem.
    pub fn kind_of(code: ErrorCode) -> String {
        format!("urn:dorandoran:error:{code}")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Path of the field as the caller wrote it, e.g. `items[0].quantity`.
    pub field: String,
    pub message: String,
}
