//! Why a model did not answer.

use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum ModelError {
    /// So many calls are under way that this one was not made.
    #[error("too many calls to the model are under way")]
    Busy,
    /// The breaker is open: nothing was sent.
    #[error("the model is cut off")]
    Open,
    /// The endpoint said when to come back, and that is after the deadline: nothing was sent.
    #[error("the model wants no calls for another {} ms", wait.as_millis())]
    Throttled { wait: Duration },
    /// The request did not reach the endpoint.
    #[error("the model is not reachable")]
    Connect { source: reqwest::Error },
    #[error("the model did not answer in time")]
    Timeout,
    /// Silence in the middle of an answer.
    #[error("the model fell silent")]
    Stalled { begun: bool },
    #[error("the model refused with {status}{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Status {
        status: StatusCode,
        retry_after: Option<Duration>,
        /// The endpoint's own word for it.
        code: Option<String>,
    },
    /// The connection broke after the request was sent.
    #[error("the answer of the model broke off")]
    Cut { begun: bool, source: Option<reqwest::Error> },
    /// The answer is not what the API says.
    #[error("the endpoint does not speak the API: {what}")]
    Protocol { what: &'static str },
    #[error("the answer of the model is too long")]
    TooLong,
    /// An answer as agreed that is of no use.
    #[error("the answer of the model is of no use: {why}")]
    Useless { why: &'static str },
    #[error("failed to write a request to the model")]
    Request { source: reqwest::Error },
}

impl ModelError {
    /// The word for it in metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Open => "open",
            Self::Throttled { .. } => "throttled",
            Self::Connect { .. } => "connect",
            Self::Timeout => "timeout",
            Self::Stalled { .. } => "stalled",
            Self::Status { status: StatusCode::TOO_MANY_REQUESTS, .. } => "rate_limited",
            Self::Status { status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, .. } => "unauthorized",
            Self::Status { .. } => "status",
            Self::Cut { .. } => "cut",
            Self::Protocol { .. } => "protocol",
            Self::TooLong => "too_long",
            Self::Useless { .. } => "useless",
            Self::Request { .. } => "request",
        }
    }

    /// Whether whoever reads the log knows already: it began with another failure, or with a line of its own.
    pub const fn is_known(&self) -> bool {
        match self {
            Self::Busy | Self::Open | Self::Throttled { .. } => true,
            Self::Status { status, .. } => {
                matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            }
            Self::Connect { .. }
            | Self::Timeout
            | Self::Stalled { .. }
            | Self::Cut { .. }
            | Self::Protocol { .. }
            | Self::TooLong
            | Self::Useless { .. }
            | Self::Request { .. } => false,
        }
    }

    /// Whether the endpoint may have worked for us, and will want to be paid.
    pub(super) const fn may_cost(&self) -> bool {
        match self {
            Self::Timeout
            | Self::Stalled { .. }
            | Self::Cut { .. }
            | Self::Protocol { .. }
            | Self::TooLong
            | Self::Useless { .. } => true,
            Self::Busy
            | Self::Open
            | Self::Throttled { .. }
            | Self::Connect { .. }
            | Self::Status { .. }
            | Self::Request { .. } => false,
        }
    }
}
