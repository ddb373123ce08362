//! How long a request may still take. A caller says so in `X-Request-Timeout-Ms`; each hop subtracts.

use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

/// Carries what is left of a request's budget, in milliseconds.
pub const HEADER: &str = "x-request-timeout-ms";

/// The longest a request to a service may take when its caller does not say. The web client gives up at 15 s
/// and its routes end within 10 s.
pub const DEFAULT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    deadline: Instant,
}

impl Budget {
    pub fn of(limit: Duration, now: Instant) -> Self {
        Self { deadline: now + limit }
    }

    /// What the caller allows, at most `cap`. A header that is no number counts as absent.
    pub fn from_header(header: Option<&HeaderValue>, cap: Duration, now: Instant) -> Self {
        let given = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Self::of(given.map_or(cap, |ms| Duration::from_millis(ms).min(cap)), now)
    }

    /// What is left, or nothing.
    pub fn remaining(self, now: Instant) -> Option<Duration> {
        self.deadline.checked_duration_since(now).filter(|left| left.as_millis() > 0)
    }

    pub const fn deadline(self) -> Instant {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_can_shorten_the_budget_but_not_lengthen_it() {
        let now = Instant::now();
        for (header, expected) in [
            (None, Some(1000)),
            (Some("250"), Some(250)),
            (Some("5000"), Some(1000)),
            (Some("soon"), Some(1000)),
            (Some("-1"), Some(1000)),
            (Some("0"), None),
        ] {
            let header = header.map(HeaderValue::from_static);
            let budget = Budget::from_header(header.as_ref(), Duration::from_secs(1), now);
            assert_eq!(budget.remaining(now), expected.map(Duration::from_millis), "{header:?}");
        }
    }

    #[test]
    fn each_hop_has_less() {
        let now = Instant::now();
        let budget = Budget::of(Duration::from_millis(100), now);
        assert_eq!(budget.remaining(now + Duration::from_millis(60)), Some(Duration::from_millis(40)));
        assert_eq!(budget.remaining(now + Duration::from_millis(100)), None);
    }
}
