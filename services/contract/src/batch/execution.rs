//! Executions of jobs: their state, their steps, their log.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::job::ParameterValue;
use crate::id::ExecutionId;
use crate::word::word;

word! {
    /// Spring Batch's words. `STARTING` waits for an instance of the service to take it up; `STOPPING` ends at the next
    /// commit. `STOPPED` and `FAILED` can be restarted, `COMPLETED` and `ABANDONED` cannot.
    ExecutionStatus {
        Starting = "STARTING", Started = "STARTED", Stopping = "STOPPING", Stopped = "STOPPED",
        Completed = "COMPLETED", Failed = "FAILED", Abandoned = "ABANDONED", Unknown = "UNKNOWN",
    }
}

impl ExecutionStatus {
    /// It is not over yet.
    pub const fn is_running(self) -> bool {
        match self {
            Self::Starting | Self::Started | Self::Stopping => true,
            Self::Stopped | Self::Completed | Self::Failed | Self::Abandoned | Self::Unknown => false,
        }
    }
}

word! {
    LogLevel { Trace = "TRACE", Debug = "DEBUG", Info = "INFO", Warn = "WARN", Error = "ERROR" }
}

/// One run of a job. Every key is always present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    pub id: ExecutionId,
    /// The job's name.
    pub job: String,
    pub parameters: Vec<ParameterValue>,
    pub status: ExecutionStatus,
    /// `COMPLETED`, `FAILED`, or a job's own word, e.g. `COMPLETED_WITH_SKIPS`.
    pub exit_code: String,
    /// Why it ended as it did.
    #[schema(required)]
    pub exit_message: Option<String>,
    pub dry_run: bool,
    /// `schedule`, `operator`, or `user:<id>`.
    pub triggered_by: String,
    #[serde(with = "crate::time::micros")]
    pub create_time: DateTime<Utc>,
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub start_time: Option<DateTime<Utc>>,
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub end_time: Option<DateTime<Utc>>,
    /// The process that runs it; null when none does.
    #[schema(required)]
    pub owner: Option<String>,
    /// How often another process went on with it.
    pub takeovers: i32,
    /// The execution that this one goes on from.
    #[schema(required)]
    pub restart_of: Option<ExecutionId>,
    pub progress: Progress,
    /// In the order in which they run; parts of one step follow each other.
    pub steps: Vec<StepExecution>,
    /// Numbers about what was done, by name.
    pub summary: BTreeMap<String, i64>,
}

/// Of all steps that have begun.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub read: i64,
    pub written: i64,
    pub skipped: i64,
    /// How many items there are, as far as is known.
    #[schema(required)]
    pub total: Option<i64>,
    /// While it runs, of the last seconds; of what is over, on average.
    #[schema(required)]
    pub items_per_second: Option<f64>,
    #[schema(required)]
    pub eta_seconds: Option<i64>,
}

/// A step, or a part of one, which is called `<step>:<part>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepExecution {
    pub name: String,
    pub status: ExecutionStatus,
    pub read: i64,
    pub filtered: i64,
    pub written: i64,
    pub skipped: i64,
    /// Chunks that are done.
    pub commits: i64,
    /// Chunks that were begun and had to be begun again.
    pub rollbacks: i64,
    #[schema(required)]
    pub total: Option<i64>,
    #[schema(required)]
    pub items_per_second: Option<f64>,
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub start_time: Option<DateTime<Utc>>,
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub end_time: Option<DateTime<Utc>>,
    #[schema(required)]
    pub exit_message: Option<String>,
}

/// Executions, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionList {
    pub content: Vec<Execution>,
    /// Passed back as `cursor`; null at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// `POST /api/batch/jobs/{name}/executions`
#[derive(Debug, Clone, Default, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct TriggerJob {
    /// Values are strings, numbers or booleans. Without any, this is a new run whatever ran before, as every dry run is.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Lists what would be done, and changes nothing.
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// Grows; passed back as `after`.
    pub id: i64,
    #[serde(with = "crate::time::micros")]
    pub time: DateTime<Utc>,
    pub level: LogLevel,
    /// Null for what is said of the whole execution.
    #[schema(required)]
    pub step: Option<String>,
    pub message: String,
}

/// Lines, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogList {
    pub content: Vec<LogLine>,
    /// Passed back as `after`; null when there is nothing more so far.
    #[schema(required)]
    pub next_after: Option<i64>,
}
