//! Counts what is in flight against the limit and feeds the limit with what was measured.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::Config;
use super::gradient::Gradient2;

/// Cheap to clone; clones share the limit.
#[derive(Debug, Clone)]
pub(crate) struct Limiter {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    gradient: Gradient2,
    in_flight: u32,
}

impl Limiter {
    pub(crate) fn new(config: Config) -> Self {
        Self { state: Arc::new(Mutex::new(State { gradient: Gradient2::new(config), in_flight: 0 })) }
    }

    /// Enters if fewer than `share` (1 = all) of the limit are in flight.
    pub(crate) fn try_enter(&self, share: f64) -> Option<Place> {
        let mut state = self.state();
        if f64::from(state.in_flight) >= (f64::from(state.gradient.limit()) * share).floor().max(1.0) {
            return None;
        }
        state.in_flight += 1;
        Some(Place { limiter: self.clone(), since: Instant::now(), in_flight: state.in_flight })
    }

    pub(crate) fn limit(&self) -> u32 {
        self.state().gradient.limit()
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.state().in_flight
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request in flight. Dropped without a word it teaches nothing: the caller went away, or the request was
/// not of the kind whose time says something.
#[derive(Debug)]
pub(crate) struct Place {
    limiter: Limiter,
    since: Instant,
    /// With this one, when it entered.
    in_flight: u32,
}

impl Place {
    /// It was answered: its time is a sample.
    pub(crate) fn answered(self) {
        self.sample(false);
    }

    /// It failed in the way of things that are overloaded: a deadline, or a refusal further down.
    pub(crate) fn overloaded(self) {
        self.sample(true);
    }

    fn sample(self, dropped: bool) {
        let now = Instant::now();
        self.limiter.state().gradient.update(now, now - self.since, self.in_flight, dropped);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.limiter.state().in_flight -= 1;
    }
}
