//! Why a call brought no answer, and what a caller of ours hears of it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use contract::code::ErrorCode;
use contract::problem::Problem;
use http::StatusCode;
use thiserror::Error;

use super::fallback::Reason;
use crate::error::ApiError;

/// Who calls whom, e.g. `auth->user`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edge {
    pub caller: &'static str,
    pub callee: &'static str,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}->{}", self.caller, self.callee)
    }
}

type Source = Box<dyn StdError + Send + Sync>;

/// Why there is no answer to use.
#[derive(Debug, Error)]
pub enum CallError {
    #[error("{} has no instance to call", edge.callee)]
    NoInstance { edge: Edge },
    /// The breakers of all instances are open: nothing was sent.
    #[error("{} is cut off for another {} ms", edge.callee, retry_after.as_millis())]
    Open { edge: Edge, retry_after: Duration },
    /// As many calls are under way as we make at once: nothing was sent.
    #[error("too many calls to {} are under way", edge.callee)]
    Busy { edge: Edge },
    /// The request did not reach the service.
    #[error("{} is not reachable", edge.callee)]
    Unreachable { edge: Edge, source: reqwest::Error },
    #[error("{} did not answer in time", edge.callee)]
    Timeout { edge: Edge },
    /// The service answered with an error.
    #[error("{} refused with {status}{}", edge.callee, problem.as_ref().map(|p| format!(" {}", p.error_code)).unwrap_or_default())]
    Refused {
        edge: Edge,
        status: StatusCode,
        /// When to come back, if it said so.
        retry_after: Option<Duration>,
        problem: Option<Box<Problem>>,
    },
    /// The connection broke after the request was sent: it may have been carried out or not.
    #[error("the connection to {} broke", edge.callee)]
    Cut { edge: Edge, source: reqwest::Error },
    /// The answer is not what was agreed.
    #[error("the answer of {} is not usable", edge.callee)]
    BrokenAnswer { edge: Edge, source: Source },
    /// The request could not be made.
    #[error("failed to write a request to {}", edge.callee)]
    Request { edge: Edge, source: Source },
}

impl CallError {
    /// The code of the service's own error, if it answered with one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { problem: Some(problem), .. } => Some(problem.error_code),
            _ => None,
        }
    }

    /// The word for it in traces.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::NoInstance { .. } => "no_instance",
            Self::Open { .. } => "open",
            Self::Busy { .. } => "busy",
            Self::Unreachable { .. } => "unreachable",
            Self::Timeout { .. } => "timeout",
            Self::Refused { .. } => "status",
            Self::Cut { .. } => "cut",
            Self::BrokenAnswer { .. } => "broken_answer",
            Self::Request { .. } => "request",
        }
    }

    /// The status the service answered with, if it refused.
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    pub const fn edge(&self) -> Edge {
        match self {
            Self::NoInstance { edge }
            | Self::Open { edge, .. }
            | Self::Busy { edge }
            | Self::Unreachable { edge, .. }
            | Self::Timeout { edge }
            | Self::Refused { edge, .. }
            | Self::Cut { edge, .. }
            | Self::BrokenAnswer { edge, .. }
            | Self::Request { edge, .. } => *edge,
        }
    }

    /// What kind of trouble it is.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::NoInstance { .. } => Reason::NoInstance,
            Self::Open { .. } => Reason::Open,
            Self::Busy { .. } => Reason::Busy,
            Self::Unreachable { .. } => Reason::Unreachable,
            Self::Timeout { .. } => Reason::Timeout,
            Self::Refused { .. } => Reason::Refused,
            Self::Cut { .. } => Reason::Cut,
            Self::BrokenAnswer { .. } => Reason::Broken,
            Self::Request { .. } => Reason::Request,
        }
    }

    /// For a call without a fallback whose caller can only come back later: always 503, and when.
    pub fn into_unavailable(self) -> ApiError {
        let error = ApiError::new(ErrorCode::UpstreamUnavailable);
        let error = match self {
            Self::Open { retry_after, .. } | Self::Refused { retry_after: Some(retry_after), .. } => {
                error.retry_after(retry_after)
            }
            _ => error,
        };
        error.because(self)
    }
}

/// For calls without a fallback: the caller hears that we cannot, not what the other service said.
impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        match &error {
            CallError::Timeout { .. } | CallError::Refused { status: StatusCode::GATEWAY_TIMEOUT, .. } => {
                Self::new(ErrorCode::UpstreamTimeout).because(error)
            }
            CallError::NoInstance { .. }
            | CallError::Open { .. }
            | CallError::Busy { .. }
            | CallError::Unreachable { .. }
            | CallError::Cut { .. }
            | CallError::BrokenAnswer { .. } => error.into_unavailable(),
            CallError::Refused { status, .. }
                if status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS =>
            {
                error.into_unavailable()
            }
            CallError::Refused { .. } | CallError::Request { .. } => Self::internal(error),
        }
    }
}
