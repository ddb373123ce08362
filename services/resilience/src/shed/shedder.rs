//! Admission: the adaptive limit, divided among the classes.

use std::time::Duration;

use thiserror::Error;

use super::Priority;
use crate::limit::{Config, Limiter, Place};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too much is in flight for {} requests", priority.as_str())]
pub struct Shed {
    pub priority: Priority,
    /// Drawn at random, so that those refused together do not come back together.
    pub retry_after: Duration,
}

/// Cheap to clone; clones share the limit.
#[derive(Debug, Clone)]
pub struct Shedder {
    limiter: Limiter,
}

impl Shedder {
    /// # Panics
    /// When `config` is not `1 <= min <= initial <= max`.
    pub fn new(config: Config) -> Self {
        Self { limiter: Limiter::new(config) }
    }

    /// # Errors
    /// When too much is in flight for this class.
    pub fn try_enter(&self, priority: Priority) -> Result<Ticket, Shed> {
        let place = self.limiter.try_enter(priority.share());
        place.map(|place| Ticket { place, priority }).ok_or_else(|| {
            let retry_after = priority.retry_after().mul_f64(1.0 + 2.0 * rand::random::<f64>());
            Shed { priority, retry_after }
        })
    }

    pub fn limit(&self) -> u32 {
        self.limiter.limit()
    }

    pub fn in_flight(&self) -> u32 {
        self.limiter.in_flight()
    }
}

/// An admitted request. Dropped without a word it only leaves: for callers who went away and for answers whose
/// time says nothing (long polls, streams).
#[derive(Debug)]
pub struct Ticket {
    place: Place,
    priority: Priority,
}

impl Ticket {
    /// The request was answered, well or badly, in the time the work took.
    pub fn answered(self) {
        // Probes do no work: their times would make everything else look slow.
        match self.priority {
            Priority::Health => {}
            Priority::Auth | Priority::Interactive | Priority::Batch => self.place.answered(),
        }
    }

    /// The request ran out of time, or something below us refused it for overload.
    pub fn overloaded(self) {
        self.place.overloaded();
    }
}
