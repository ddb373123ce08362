//! Items that a job could not process and went on without.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::ExecutionId;
use crate::word::word;

word! {
    /// Where the item failed.
    SkippedPhase { Read = "READ", Process = "PROCESS", Write = "WRITE" }
}

word! {
    /// `REDRIVEN` worked at a later attempt, `DROPPED` was given up by a person.
    SkippedState { Skipped = "SKIPPED", Redriven = "REDRIVEN", Dropped = "DROPPED" }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkippedItem {
    pub id: i64,
    pub execution_id: ExecutionId,
    pub step: String,
    pub phase: SkippedPhase,
    /// What the item is called where it comes from.
    pub key: String,
    pub error: String,
    pub state: SkippedState,
    #[serde(with = "crate::time::micros")]
    pub created_at: DateTime<Utc>,
}

/// The oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkippedList {
    pub content: Vec<SkippedItem>,
    #[schema(required)]
    pub next_after: Option<i64>,
}

/// `POST /api/batch/executions/{id}/skipped/redrive`: every skipped item that there was time for was tried once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Redriven {
    pub redriven: i64,
    /// They failed again, and stay.
    pub failed: i64,
    /// There was no time for them: ask again, as long as it helps any.
    #[serde(default)]
    pub remaining: i64,
}
