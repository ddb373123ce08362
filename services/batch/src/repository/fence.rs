//! The number that says who may write: only the newest owner of an execution knows the newest one.

use std::sync::Arc;

use contract::id::ExecutionId;
use thiserror::Error;

/// An owner's right to write. Every statement of an owner checks it, and keeps the execution from being taken over until
/// its transaction ends.
#[derive(Debug, Clone)]
pub struct Fence {
    pub execution: ExecutionId,
    pub number: i64,
    pub owner: Arc<str>,
}

/// Why an owner's statement came to nothing.
#[derive(Debug, Error)]
pub enum FenceError {
    /// The execution is not the caller's any more. Its transaction must not commit.
    #[error("another owner has the execution")]
    Lost,
    #[error("failed to reach batch_db")]
    Database(#[from] sqlx::Error),
}

/// A statement that checks the fence touches nothing once it is lost.
pub(super) const fn owned(rows: u64) -> Result<(), FenceError> {
    if rows == 0 { Err(FenceError::Lost) } else { Ok(()) }
}
