//! How executions end.

use contract::batch::{ExecutionStatus, LogLevel};
use sqlx::PgConnection;
use uuid::Uuid;

use super::fence::{Fence, FenceError};

/// How an execution ends.
#[derive(Debug)]
pub struct Ending<'a> {
    pub status: ExecutionStatus,
    pub message: Option<&'a str>,
    /// The parts that failed, and why. What else is not complete was stopped.
    pub failed: &'a [(Uuid, String)],
}

/// Ends the execution, and says with which exit code.
///
/// # Errors
/// See [`FenceError`].
pub async fn end(db: &mut PgConnection, fence: &Fence, ending: &Ending<'_>) -> Result<String, FenceError> {
    let (rows, messages): (Vec<Uuid>, Vec<String>) = ending.failed.iter().cloned().unzip();
    let level = match ending.status {
        ExecutionStatus::Failed => LogLevel::Error,
        _ => LogLevel::Info,
    };
    sqlx::query_file_scalar!(
        "src/repository/end.sql",
        fence.execution.as_uuid(),
        fence.number,
        &*fence.owner,
        ending.status.as_str(),
        ending.message,
        &rows,
        &messages,
        level.as_str()
    )
    .fetch_optional(db)
    .await?
    .ok_or(FenceError::Lost)
}
