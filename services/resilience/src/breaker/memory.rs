//! What one state remembers of its calls, and from when on it says something about the target.

use std::time::Duration;

use super::config::{Config, Window};
use super::window::Sliding;
pub(super) use super::window::{Mark, Tally};

/// The reference's "metrics" of a state: an open state goes on with those of the state it came from.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    outcomes: Sliding,
    /// No rate before so many calls.
    minimum: u32,
    pub(super) not_permitted: u64,
}

/// Percentages over the calls of a memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    pub(super) failure: f32,
    pub(super) slow: f32,
    pub(super) calls: u32,
}

impl Memory {
    pub(super) fn closed(config: &Config, now: Duration) -> Self {
        let minimum = match config.window {
            Window::Count(size) => config.minimum_calls.min(size),
            Window::Time(_) => config.minimum_calls,
        };
        Self { outcomes: Sliding::new(config.window, now), minimum, not_permitted: 0 }
    }

    /// A half-open state counts its probes whatever the window of the closed one.
    pub(super) fn half_open(config: &Config, now: Duration) -> Self {
        let permits = config.half_open_permits;
        Self {
            outcomes: Sliding::new(Window::Count(permits), now),
            minimum: config.minimum_calls.min(permits),
            not_permitted: 0,
        }
    }

    pub(super) fn nothing() -> Self {
        Self { outcomes: Sliding::Nothing, minimum: 0, not_permitted: 0 }
    }

    pub(super) fn record(&mut self, now: Duration, mark: Mark) {
        self.outcomes.record(now, mark);
    }

    pub(super) fn tally(&mut self, now: Duration) -> Tally {
        self.outcomes.tally(now)
    }

    /// `None` while too few calls are known.
    pub(super) fn rates(&mut self, now: Duration) -> Option<Rates> {
        let tally = self.tally(now);
        (tally.calls >= self.minimum).then(|| Rates::of(tally)).flatten()
    }

    /// The same without a minimum; `None` if there was no call at all.
    pub(super) fn evidence(&mut self, now: Duration) -> Option<Rates> {
        Rates::of(self.tally(now))
    }
}

impl Rates {
    fn of(tally: Tally) -> Option<Self> {
        let rate = |part: u32| percent(part, tally.calls);
        (tally.calls > 0).then(|| Self {
            failure: rate(tally.failed),
            slow: rate(tally.slow),
            calls: tally.calls,
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the reference computes in f32, and windows are below 2^24 calls"
)]
fn percent(part: u32, whole: u32) -> f32 {
    part as f32 * 100.0 / whole as f32
}
