//! What a breaker shows of itself at one moment.

use std::time::Duration;

use super::event::Cause;
use super::machine::{Machine, Phase, State};

/// Counts since the breaker was made; they never go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub successful: u64,
    pub failed: u64,
    pub slow: u64,
    pub ignored: u64,
    /// Dropped without an outcome.
    pub cancelled: u64,
    pub not_permitted: u64,
    /// Outcomes of calls admitted before the last transition; also in the kinds above.
    pub stale: u64,
    pub opened: u64,
    pub transitions: u64,
}

/// The newest change of state.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// How long ago.
    pub ago: Duration,
    pub from: State,
    pub to: State,
    pub cause: Cause,
}

/// One consistent view; rates are -1 while too few calls are known, as in the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub state: State,
    pub failure_rate: f32,
    pub slow_rate: f32,
    /// Calls in the window; the following counts are of those.
    pub buffered: u32,
    pub failed: u32,
    pub slow: u32,
    pub slow_failed: u32,
    /// Rejected since the window began.
    pub not_permitted: u64,
    /// Permits given and not yet finished, of every generation.
    pub in_flight: u32,
    /// How many more probes a half-open breaker admits.
    pub probes_left: Option<u32>,
    /// While open: until the next probe may go.
    pub retry_after: Option<Duration>,
    pub consecutive_failures: u32,
    /// Counts the transitions: a permit of an older generation decides nothing any more.
    pub generation: u64,
    pub totals: Totals,
    pub last_transition: Option<Transition>,
}

impl Snapshot {
    pub fn successful(&self) -> u32 {
        self.buffered - self.failed
    }
}

impl Machine {
    /// What is to be seen at this moment.
    pub fn snapshot(&mut self, now: Duration) -> Snapshot {
        self.tick(now);
        let tally = self.memory.tally(now);
        let rates = self.memory.rates(now);
        Snapshot {
            state: self.phase.state(),
            failure_rate: rates.map_or(UNKNOWN, |rates| rates.failure),
            slow_rate: rates.map_or(UNKNOWN, |rates| rates.slow),
            buffered: tally.calls,
            failed: tally.failed,
            slow: tally.slow,
            slow_failed: tally.slow_failed,
            not_permitted: self.memory.not_permitted,
            in_flight: self.in_flight,
            probes_left: match self.phase {
                Phase::HalfOpen { permits, .. } => Some(permits),
                Phase::Closed
                | Phase::Open { .. }
                | Phase::Disabled
                | Phase::ForcedOpen
                | Phase::MetricsOnly { .. } => None,
            },
            retry_after: self.retry_after(now),
            consecutive_failures: self.consecutive,
            generation: self.generation,
            totals: self.totals,
            last_transition: self.last_move.as_ref().map(|last| Transition {
                ago: now.saturating_sub(last.at),
                from: last.from,
                to: last.to,
                cause: last.cause.clone(),
            }),
        }
    }
}

/// The reference's rate while too few calls are known.
const UNKNOWN: f32 = -1.0;
