//! Sends a second attempt when the first is slower than 95 % of its kind, behind a budget.
//!
//! Requests earn the budget by being answered before the second attempt was due. So when everything is slow at
//! once, second attempts stop by themselves instead of doubling the load.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::sketch::Sketch;
use crate::retry::{Budget, Terms};

/// A second attempt is due when the first has taken longer than this part of the others.
const QUANTILE: f64 = 0.95;

/// Which attempt is being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    First,
    Second,
}

/// What became of hedging so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub requests: u64,
    /// Second attempts sent.
    pub sent: u64,
    /// Second attempts that answered first.
    pub won: u64,
}

/// For one kind of read of one target: what is mixed has no common delay. Cheap to clone; clones share what is
/// known.
#[derive(Debug, Clone)]
pub struct Hedge {
    state: Arc<Mutex<State>>,
    budget: Budget,
}

#[derive(Debug)]
struct State {
    sketch: Sketch,
    counts: Counts,
}

impl Hedge {
    #[expect(clippy::new_without_default, reason = "it reads the clock")]
    pub fn new() -> Self {
        let state = State { sketch: Sketch::new(Instant::now()), counts: Counts::default() };
        Self { state: Arc::new(Mutex::new(state)), budget: Budget::new(Terms::HEDGES) }
    }

    /// Runs an attempt and, if it is slow and the budget allows it, a second one; the first good answer counts
    /// and the other attempt is dropped. Only for what may be done twice.
    ///
    /// # Errors
    /// The error of the attempt that ended last; an error before the second attempt is final.
    pub async fn run<T, E, F>(&self, mut attempt: impl FnMut(Attempt) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.state().counts.requests += 1;
        let mut timing = Timing { hedge: self, since: Instant::now(), reached: Reached::Nothing };
        let mut first = pin!(attempt(Attempt::First));
        let early = match self.delay() {
            Some(delay) => timeout(delay, &mut first).await.ok(),
            None => Some(first.as_mut().await),
        };
        if let Some(result) = early {
            timing.reached = if result.is_ok() { Reached::Answer } else { Reached::Nothing };
            return result;
        }
        timing.reached = Reached::Delay;
        if !self.budget.withdraw() {
            return first.await;
        }
        self.state().counts.sent += 1;
        let mut second = pin!(attempt(Attempt::Second));
        let (result, by) = tokio::select! {
            result = &mut first => (result, Attempt::First),
            result = &mut second => (result, Attempt::Second),
        };
        let (result, by) = match (result, by) {
            (Ok(answer), by) => (Ok(answer), by),
            (Err(_), Attempt::First) => (second.await, Attempt::Second),
            (Err(_), Attempt::Second) => (first.await, Attempt::First),
        };
        if result.is_ok() && by == Attempt::Second {
            self.state().counts.won += 1;
        }
        result
    }

    /// After how long a second attempt is due now; nothing while too little is known.
    pub fn delay(&self) -> Option<Duration> {
        self.state().sketch.quantile(QUANTILE)
    }

    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a request came.
#[derive(Debug, Clone, Copy)]
enum Reached {
    /// It failed or was given up before the delay: its time says nothing.
    Nothing,
    Answer,
    Delay,
}

/// Measures one request, also when its caller gives it up: those are the slow ones.
struct Timing<'a> {
    hedge: &'a Hedge,
    since: Instant,
    reached: Reached,
}

impl Drop for Timing<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        match self.reached {
            Reached::Nothing => {}
            Reached::Answer => {
                self.hedge.budget.deposit();
                self.hedge.state().sketch.add(now - self.since, now);
            }
            // The first attempt may have taken longer than it was watched; longer than the delay is enough to
            // keep the quantile right.
            Reached::Delay => self.hedge.state().sketch.add(now - self.since, now),
        }
    }
}
