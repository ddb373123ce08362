//! How long a breaker stays open: grows with every failed recovery, spread by jitter.

use std::time::Duration;

use rand::{Rng, RngExt};

/// The open interval of attempt 1, 2, 3...: `initial * factor^(attempt - 1)`, at most `max`.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    pub initial: Duration,
    /// 1.0 keeps the wait the same, as the reference does by default.
    pub factor: f64,
    pub max: Duration,
    /// Share by which a wait may be shorter or longer (0.2: 80 % to 120 %), so that many callers of one
    /// broken target do not all come back at the same moment. 0 is none.
    pub jitter: f64,
}

impl Wait {
    /// Always the same wait.
    pub fn fixed(wait: Duration) -> Self {
        Self { initial: wait, factor: 1.0, max: wait, jitter: 0.0 }
    }

    /// Doubles with each attempt without a practical end.
    pub fn doubling(initial: Duration) -> Self {
        Self { initial, factor: 2.0, max: Duration::MAX, jitter: 0.0 }
    }

    /// The wait of this attempt, the first being 1.
    pub fn of(&self, attempt: u32, rng: &mut impl Rng) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.capped(self.initial.as_secs_f64() * self.factor.powi(exponent));
        if self.jitter == 0.0 {
            return grown;
        }
        let spread = rng.random_range(1.0 - self.jitter..=1.0 + self.jitter);
        self.capped(grown.as_secs_f64() * spread)
    }

    /// Infinite and too large numbers become `max`.
    fn capped(&self, secs: f64) -> Duration {
        Duration::try_from_secs_f64(secs).unwrap_or(self.max).min(self.max)
    }
}
