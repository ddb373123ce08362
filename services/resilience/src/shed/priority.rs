//! The classes of requests, and what each may use.

use std::time::Duration;

/// What a request is worth when not all can be served, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Probes: an instance that refuses them is restarted, when it has the least time for it.
    Health,
    /// Login, refresh, tokens: without them every client comes back and asks again.
    Auth,
    /// A person waits.
    Interactive,
    /// Nobody waits.
    Batch,
}

impl Priority {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Auth => "auth",
            Self::Interactive => "interactive",
            Self::Batch => "batch",
        }
    }

    /// The part of the limit at which this class is refused, counted over everything in flight: what is above is
    /// kept for the classes before it.
    pub(super) const fn share(self) -> f64 {
        match self {
            Self::Health => 2.0,
            Self::Auth => 1.0,
            Self::Interactive => 0.9,
            Self::Batch => 0.6,
        }
    }

    /// The shortest time after which a refused client may come back; it is spread up to three times that.
    pub(super) const fn retry_after(self) -> Duration {
        match self {
            Self::Health | Self::Auth | Self::Interactive => Duration::from_secs(1),
            Self::Batch => Duration::from_secs(5),
        }
    }
}
