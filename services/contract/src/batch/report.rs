//! What jobs leave behind for people.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{ArchiveId, ExecutionId, ReportId};

/// A report, without its content, which `/reports/{id}` answers: [`ReportBody`] or CSV, as `Accept` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub id: ReportId,
    pub job: String,
    #[schema(required)]
    pub execution_id: Option<ExecutionId>,
    /// What it tells of would have happened, and did not.
    pub dry_run: bool,
    #[serde(with = "crate::time::micros")]
    pub period_start: DateTime<Utc>,
    #[serde(with = "crate::time::micros")]
    pub period_end: DateTime<Utc>,
    pub summary: BTreeMap<String, i64>,
    /// Lines of the table.
    pub row_count: i64,
    #[serde(with = "crate::time::micros")]
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportList {
    pub content: Vec<Report>,
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// The content of a report. It says nothing of when and by whom it was made: the same facts make the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportBody {
    pub job: String,
    #[serde(with = "crate::time::micros")]
    pub period_start: DateTime<Utc>,
    #[serde(with = "crate::time::micros")]
    pub period_end: DateTime<Utc>,
    pub parameters: BTreeMap<String, String>,
    pub summary: BTreeMap<String, i64>,
    /// Names of the columns of `rows`, which are objects with these keys.
    pub columns: Vec<String>,
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<Value>,
    /// There were more rows than a report holds.
    pub truncated: bool,
}

/// Rows that were moved out of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Archive {
    pub id: ArchiveId,
    pub job: String,
    #[schema(required)]
    pub execution_id: Option<ExecutionId>,
    /// The directory in the object store; `manifest.json` there lists its parts.
    pub path: String,
    #[serde(with = "crate::time::micros")]
    pub period_start: DateTime<Utc>,
    #[serde(with = "crate::time::micros")]
    pub period_end: DateTime<Utc>,
    pub parts: i32,
    pub rows: i64,
    pub bytes: i64,
    /// SHA-256 of all parts in their order, 64 lower-case digits.
    pub sha256: String,
    /// Read back and found to be as it was written.
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub verified_at: Option<DateTime<Utc>>,
    /// When the rows were removed from the database.
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub dropped_at: Option<DateTime<Utc>>,
    #[serde(with = "crate::time::micros")]
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveList {
    pub content: Vec<Archive>,
    #[schema(required)]
    pub next_cursor: Option<String>,
}
