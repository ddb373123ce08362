//! What a call site does without an answer: it says so where it calls, and everybody can see how often.

use std::fmt;

use metrics::counter;
use tracing::{debug, warn};

use super::error::CallError;

/// Counts fallbacks by edge, name and reason.
pub const FALLBACKS: &str = "service_client_fallbacks_total";

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    NoInstance,
    Open,
    Busy,
    Unreachable,
    Timeout,
    Refused,
    Cut,
    Broken,
    Request,
}

impl Reason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoInstance => "no_instance",
            Self::Open => "open",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Cut => "cut",
            Self::Broken => "broken",
            Self::Request => "request",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl CallError {
    /// Goes on with `value` instead of an answer. Counted and logged here, under the name of the fallback, so
    /// that the call site need not.
    pub fn fall_back<T>(self, name: &'static str, value: impl FnOnce(Reason) -> T) -> T {
        let (edge, reason) = (self.edge(), self.reason());
        let labels =
            [("edge", edge.to_string()), ("fallback", name.into()), ("reason", reason.as_str().into())];
        counter!(FALLBACKS, &labels).increment(1);
        match reason {
            // That the callee is away was logged when it went; a line for every call would drown the rest.
            Reason::NoInstance | Reason::Open | Reason::Busy => {
                debug!(%edge, %reason, "went on with {name}: {self}");
            }
            Reason::Unreachable
            | Reason::Timeout
            | Reason::Refused
            | Reason::Cut
            | Reason::Broken
            | Reason::Request => warn!(%edge, %reason, "went on with {name}: {self}"),
        }
        value(reason)
    }
}
