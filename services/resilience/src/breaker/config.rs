//! What a breaker is told once: thresholds, windows, waits.

use std::time::Duration;

use super::wait::Wait;

/// Which outcomes the rates are computed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last N outcomes.
    Count(u32),
    /// The current second of the clock and the N - 1 before it.
    Time(u32),
}

/// Where a half-open state goes that has lasted too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    Open,
    Close,
    /// Ours: closed if the probes that did answer stay below both thresholds, open otherwise.
    /// Without it a service with little traffic is punished for having had too few probes.
    Judge,
}

/// Settings of one breaker. Rates are percentages above 0 and up to 100.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub window: Window,
    /// No rate is known before so many outcomes; capped by the size of a count window.
    pub minimum_calls: u32,
    pub failure_rate: f32,
    pub slow_rate: f32,
    /// A call is slow if it took strictly longer.
    pub slow_call: Duration,
    /// How many probes a half-open breaker admits.
    pub half_open_permits: u32,
    pub wait: Wait,
    /// How long a half-open state may last. Zero is for ever, as in the reference.
    pub max_half_open_wait: Duration,
    pub overdue: Overdue,
    /// Turns half-open when the wait is over instead of at the next call; needs [`super::Breaker::tick`].
    pub automatic_half_open: bool,
    /// Ours: opens after so many failures in a row, whatever the rates say. For targets with little traffic.
    pub consecutive_failures: Option<u32>,
    /// Ours: a `Retry-After` of the target makes the open wait longer, up to this. `None` ignores such hints.
    pub retry_after_cap: Option<Duration>,
    /// Ours: the outcome of a call admitted before the last transition only counts in the totals. Without it
    /// such an outcome passes for a probe's, as in the reference.
    pub generations: bool,
}

impl Config {
    /// The reference's defaults, and none of our additions.
    pub fn resilience4j() -> Self {
        Self {
            window: Window::Count(100),
            minimum_calls: 100,
            failure_rate: 50.0,
            slow_rate: 100.0,
            slow_call: Duration::from_mins(1),
            half_open_permits: 10,
            wait: Wait::fixed(Duration::from_mins(1)),
            max_half_open_wait: Duration::ZERO,
            overdue: Overdue::Open,
            automatic_half_open: false,
            consecutive_failures: None,
            retry_after_cap: None,
            generations: false,
        }
    }

    /// The same settings, or why they make no sense.
    ///
    /// # Errors
    /// [`ConfigError`] names the first field that is out of its range.
    pub fn checked(self) -> Result<Self, ConfigError> {
        let window_fits = match self.window {
            Window::Count(calls) => (1..=MAX_CALLS).contains(&calls),
            Window::Time(seconds) => (1..=MAX_SECONDS).contains(&seconds),
        };
        let percent = |rate: f32| rate > 0.0 && rate <= 100.0;
        let rules = [
            (window_fits, "window", "1 to 100000 calls or 1 to 3600 seconds"),
            (self.minimum_calls > 0, "minimum_calls", "at least 1"),
            (percent(self.failure_rate), "failure_rate", "above 0 and at most 100 %"),
            (percent(self.slow_rate), "slow_rate", "above 0 and at most 100 %"),
            ((1..=MAX_CALLS).contains(&self.half_open_permits), "half_open_permits", "1 to 100000"),
            (!self.wait.initial.is_zero(), "wait.initial", "longer than nothing"),
            (self.wait.factor >= 1.0 && self.wait.factor.is_finite(), "wait.factor", "at least 1"),
            (self.wait.max >= self.wait.initial, "wait.max", "at least wait.initial"),
            ((0.0..1.0).contains(&self.wait.jitter), "wait.jitter", "at least 0 and below 1"),
            (self.consecutive_failures != Some(0), "consecutive_failures", "at least 1, or none"),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, field, must_be)) => Err(ConfigError { field, must_be }),
            None => Ok(self),
        }
    }
}

/// Bounds the memory of a window to 200 kB.
const MAX_CALLS: u32 = 100_000;
/// An hour at a million calls a second still fits the counters.
const MAX_SECONDS: u32 = 3600;

impl Default for Config {
    /// Suits one instance of a service behind a client: decides from 10 calls in 30 s, or from 5 failures in
    /// a row, and always comes back to try. (The reference's 100 calls never come together on a quiet system.)
    fn default() -> Self {
        Self {
            window: Window::Time(30),
            minimum_calls: 10,
            slow_call: Duration::from_secs(5),
            half_open_permits: 3,
            wait: Wait {
                initial: Duration::from_secs(1),
                factor: 2.0,
                max: Duration::from_mins(1),
                jitter: 0.2,
            },
            max_half_open_wait: Duration::from_secs(10),
            overdue: Overdue::Judge,
            consecutive_failures: Some(5),
            retry_after_cap: Some(Duration::from_mins(2)),
            generations: true,
            ..Self::resilience4j()
        }
    }
}

/// A setting out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("breaker setting {field} must be {must_be}")]
pub struct ConfigError {
    pub field: &'static str,
    pub must_be: &'static str,
}
