//! Why there is no answer to go by. Never with a key, a token or a message of the API in it.

use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

#[derive(Debug, Error)]
pub(super) enum TossError {
    /// The breaker is open: nothing was sent.
    #[error("the payment provider is cut off")]
    Open,
    /// The request did not reach the provider.
    #[error("the payment provider is not reachable")]
    Connect { source: reqwest::Error },
    #[error("the payment provider did not answer in time")]
    Timeout,
    /// The connection broke after the request was sent.
    #[error("the answer of the payment provider broke off")]
    Cut { source: reqwest::Error },
    #[error("the payment provider answered {status}{}", code.as_ref().map(|code| format!(" {code}")).unwrap_or_default())]
    Refused {
        status: StatusCode,
        /// The provider's own word for it; none if somebody else on the way answered.
        code: Option<String>,
        retry_after: Option<Duration>,
    },
    /// The answer is not what the API says.
    #[error("the payment provider does not speak the API")]
    Protocol { source: serde_json::Error },
    #[error("the answer of the payment provider is too long")]
    TooLong,
    #[error("failed to write a request to the payment provider")]
    Request { source: reqwest::Error },
}

impl TossError {
    /// The word for it in metrics and for the breaker.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Connect { .. } => "connect",
            Self::Timeout => "timeout",
            Self::Cut { .. } => "cut",
            Self::Refused { .. } => "status",
            Self::Protocol { .. } => "protocol",
            Self::TooLong => "too_long",
            Self::Request { .. } => "request",
        }
    }

    /// Whether the provider says that it has no such payment. Only its own word counts: a wrong base URL is
    /// answered 404 too.
    pub(super) fn is_not_there(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::NOT_FOUND, code: Some(code), .. } if code == "NOT_FOUND_PAYMENT")
    }
}
