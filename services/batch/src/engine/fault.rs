//! Why a chunk, or one of its items, came to nothing.

use std::time::Duration;

use chassis::client::CallError;
use http::StatusCode;
use thiserror::Error;

/// The class decides what happens next, the source is what people read.
#[derive(Debug, Error)]
pub enum Fault {
    /// It may work later: the chunk is tried again, with growing pauses.
    #[error("{source:#}")]
    Transient { source: anyhow::Error, retry_after: Option<Duration> },
    /// This item never works, others do: it is skipped.
    #[error("{source:#}")]
    Item { source: anyhow::Error },
    /// Trying again does not help: the step fails.
    #[error("{source:#}")]
    Fatal { source: anyhow::Error },
}

impl Fault {
    pub fn transient(source: impl Into<anyhow::Error>) -> Self {
        Self::Transient { source: source.into(), retry_after: None }
    }

    pub fn item(source: impl Into<anyhow::Error>) -> Self {
        Self::Item { source: source.into() }
    }

    pub fn fatal(source: impl Into<anyhow::Error>) -> Self {
        Self::Fatal { source: source.into() }
    }
}

/// What another service refuses because of the request itself it will refuse again.
impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        let refused_for_good = error.status().is_some_and(|status| {
            status.is_client_error()
                && !matches!(
                    status,
                    StatusCode::REQUEST_TIMEOUT
                        | StatusCode::CONFLICT
                        | StatusCode::TOO_EARLY
                        | StatusCode::TOO_MANY_REQUESTS
                        // Its keys, or ours, are being replaced.
                        | StatusCode::UNAUTHORIZED
                )
        });
        let retry_after = match &error {
            CallError::Open { retry_after, .. } => Some(*retry_after),
            CallError::Refused { retry_after, .. } => *retry_after,
            _ => None,
        };
        let cannot_be_made = matches!(error, CallError::Request { .. });
        if refused_for_good || cannot_be_made {
            Self::fatal(error)
        } else {
            Self::Transient { source: error.into(), retry_after }
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::transient(error)
    }
}
