//! Paths of batch. Administrators call them with their access token through the gateway, the operator with its own.

use crate::id::{ExecutionId, ReportId};

/// GET answers every [`super::Job`].
pub const JOBS: &str = "/api/batch/jobs";
/// GET with `?job=&status=&cursor=&size=` answers an [`super::ExecutionList`].
pub const EXECUTIONS: &str = "/api/batch/executions";
/// GET with `?job=&from=&cursor=&size=` answers a [`super::ReportList`].
pub const REPORTS: &str = "/api/batch/reports";
/// GET with `?cursor=&size=` answers an [`super::ArchiveList`].
pub const ARCHIVES: &str = "/api/batch/archives";

/// GET answers a [`super::Job`].
pub fn job(name: &str) -> String {
    format!("{JOBS}/{name}")
}

/// PUT takes a [`super::PutSchedule`] and answers the [`super::JobSchedule`].
pub fn schedule(name: &str) -> String {
    format!("{JOBS}/{name}/schedule")
}

/// GET with `?size=` answers the last [`super::ScheduleFire`]s, the newest first.
pub fn fires(name: &str) -> String {
    format!("{JOBS}/{name}/fires")
}

/// POST takes a [`super::TriggerJob`] and answers 202 with the [`super::Execution`].
pub fn trigger(name: &str) -> String {
    format!("{JOBS}/{name}/executions")
}

/// GET answers an [`super::Execution`].
pub fn execution(id: ExecutionId) -> String {
    format!("{EXECUTIONS}/{id}")
}

/// GET with `?after=&size=` answers a [`super::LogList`].
pub fn logs(id: ExecutionId) -> String {
    format!("{EXECUTIONS}/{id}/logs")
}

/// GET answers server-sent events: `progress` with an [`super::Execution`] whenever it changed, then `end` with the last.
pub fn stream(id: ExecutionId) -> String {
    format!("{EXECUTIONS}/{id}/stream")
}

/// POST answers 202 with the [`super::Execution`].
pub fn stop(id: ExecutionId) -> String {
    format!("{EXECUTIONS}/{id}/stop")
}

/// POST answers 202 with the new [`super::Execution`].
pub fn restart(id: ExecutionId) -> String {
    format!("{EXECUTIONS}/{id}/restart")
}

/// POST answers 202 with the [`super::Execution`].
pub fn abandon(id: ExecutionId) -> String {
    format!("{EXECUTIONS}/{id}/abandon")
}

/// GET with `?after=&size=` answers a [`super::SkippedList`].
pub fn skipped(id: ExecutionId) -> String {
    format!("{EXECUTIONS}/{id}/skipped")
}

/// POST answers [`super::Redriven`].
pub fn redrive(id: ExecutionId) -> String {
    format!("{EXECUTIONS}/{id}/skipped/redrive")
}

/// GET answers a [`super::ReportBody`], or CSV.
pub fn report(id: ReportId) -> String {
    format!("{REPORTS}/{id}")
}
