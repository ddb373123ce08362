//! Jobs and when they run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::execution::Execution;
use crate::id::ExecutionId;
use crate::word::word;

word! {
    /// What a parameter of a job is. `date` is `YYYY-MM-DD`.
    ParameterType { String = "string", Long = "long", Double = "double", Date = "date", Boolean = "boolean" }
}

word! {
    /// What becomes of slots that passed while nobody could fire them. `SKIP` drops them, `RUN_ONCE` fires the newest
    /// of them, `RUN_ALL` every one.
    Misfire { Skip = "SKIP", RunOnce = "RUN_ONCE", RunAll = "RUN_ALL" }
}

word! {
    /// What becomes of a slot while an execution of the job still runs. `FORBID` drops the slot, `REPLACE` stops what
    /// runs, `ALLOW` runs both.
    Concurrency { Forbid = "FORBID", Replace = "REPLACE", Allow = "ALLOW" }
}

word! {
    /// What became of a slot.
    FireOutcome { Fired = "FIRED", Forbidden = "FORBIDDEN", Missed = "MISSED" }
}

/// A job. Every key is always present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    pub name: String,
    pub description: String,
    pub schedule: JobSchedule,
    pub parameters: Vec<JobParameter>,
    /// Null when it has never run.
    #[schema(required)]
    pub last_execution: Option<Execution>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobSchedule {
    /// Five fields, or six with seconds first; null when the job only runs by hand.
    #[schema(required)]
    pub cron: Option<String>,
    /// A name of the IANA time zone database, e.g. `Asia/Seoul`.
    pub zone: String,
    pub enabled: bool,
    pub misfire: Misfire,
    pub concurrency: Concurrency,
    /// Null when it is disabled, or has no further time.
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub next_fire_time: Option<DateTime<Utc>>,
}

/// `PUT /api/batch/jobs/{name}/schedule`: what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct PutSchedule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(chars, min = 1, max = 100)))]
    pub cron: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(chars, min = 1, max = 64)))]
    pub zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misfire: Option<Misfire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobParameter {
    pub name: String,
    pub description: String,
    #[serde(rename = "type")]
    pub kind: ParameterType,
    /// As it would be written in a trigger; null when there is none.
    #[schema(required)]
    pub default: Option<String>,
    pub required: bool,
    /// It is part of what tells one instance of the job from another.
    pub identifying: bool,
}

/// A parameter of an execution, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParameterValue {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ParameterType,
    pub value: String,
    pub identifying: bool,
}

/// A time of a schedule that has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleFire {
    #[serde(with = "crate::time::micros")]
    pub slot: DateTime<Utc>,
    pub outcome: FireOutcome,
    #[serde(with = "crate::time::micros")]
    pub fired_at: DateTime<Utc>,
    #[schema(required)]
    pub execution_id: Option<ExecutionId>,
}
