//! The one place that says yes or no to another attempt.

use std::time::Duration;

use rand::Rng;
use thiserror::Error;

use super::{Backoff, Budget};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// With the first one.
    pub max_attempts: u32,
    pub backoff: Backoff,
}

/// Why there is no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Denied {
    #[error("all attempts are used")]
    Attempts,
    #[error("the deadline comes before the next attempt")]
    Deadline,
    #[error("the retry budget of the target is spent")]
    Budget,
}

impl Policy {
    /// The pause before another attempt; the attempt is then taken from `budget`. `made` attempts have failed, and
    /// `left` is what remains until the deadline. Who says when to come back is busy, and is not asked again.
    ///
    /// # Errors
    /// See [`Denied`].
    pub fn pause(
        &self,
        made: u32,
        left: Duration,
        budget: &Budget,
        rng: &mut impl Rng,
    ) -> Result<Duration, Denied> {
        if made >= self.max_attempts {
            return Err(Denied::Attempts);
        }
        let pause = self.backoff.delay(made, rng);
        if pause >= left {
            return Err(Denied::Deadline);
        }
        if budget.withdraw() { Ok(pause) } else { Err(Denied::Budget) }
    }
}
