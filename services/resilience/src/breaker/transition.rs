//! When and how the state changes: by what was recorded, by time, by an operator.

use std::sync::Arc;
use std::time::Duration;

use super::config::Overdue;
use super::event::{Cause, EventKind, Operation};
use super::machine::{Machine, Phase, State};
use super::memory::{Mark, Memory, Rates};

/// The newest change of state.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) at: Duration,
    pub(super) from: State,
    pub(super) to: State,
    pub(super) cause: Cause,
}

impl Machine {
    /// Lets time pass: a half-open state that is overdue ends, and an open one turns half-open if that is
    /// automatic. Asking, finishing and looking do this first; alone it is for breakers that nobody calls.
    pub fn tick(&mut self, now: Duration) {
        let limit = self.config.max_half_open_wait;
        if let Phase::HalfOpen { since, attempt, .. } = self.phase
            && !limit.is_zero()
            && now > since.saturating_add(limit)
        {
            // As of the moment it became overdue, as if a timer had run: whoever comes long after that
            // does not have to sit out an open wait that nobody needed.
            self.end_overdue(since.saturating_add(limit), attempt);
        }
        if let Phase::Open { until, .. } = self.phase
            && self.config.automatic_half_open
            && now > until
        {
            self.half_open(now, None);
        }
    }

    /// Closed with a fresh window.
    pub fn close(&mut self, now: Duration) {
        self.enter_closed(now, Cause::Operator(Operation::Close), None);
    }

    /// Rejects everything until told otherwise.
    pub fn force_open(&mut self, now: Duration) {
        self.enter(now, Phase::ForcedOpen, Cause::Operator(Operation::ForceOpen), None);
        self.memory = Memory::nothing();
        self.log.push(now, EventKind::ForcedOpen, None);
    }

    /// Lets everything pass and records nothing.
    pub fn disable(&mut self, now: Duration) {
        self.enter(now, Phase::Disabled, Cause::Operator(Operation::Disable), None);
        self.memory = Memory::nothing();
        self.log.push(now, EventKind::Disabled, None);
    }

    /// Lets everything pass and records it.
    pub fn metrics_only(&mut self, now: Duration) {
        let phase = Phase::MetricsOnly { failure_told: false, slow_told: false };
        self.enter(now, phase, Cause::Operator(Operation::MetricsOnly), None);
        self.memory = Memory::closed(&self.config, now);
    }

    /// Closed as if it were new, from any state.
    pub fn reset(&mut self, now: Duration) {
        self.enter_closed(now, Cause::Operator(Operation::Reset), None);
        self.log.push(now, EventKind::Reset, None);
    }

    /// Closed as if it were new: the target was replaced.
    pub fn renew(&mut self, now: Duration) {
        let generation = self.generation;
        self.enter_closed(now, Cause::Renewed, None);
        // Also from closed to closed: what was sent to the old target tells nothing of the new one.
        self.generation = generation + 1;
        self.log.push(now, EventKind::Reset, None);
    }

    /// Takes an outcome into the window and draws the conclusion.
    pub(super) fn record(&mut self, now: Duration, mark: Mark, trace: Option<&Arc<str>>) {
        self.memory.record(now, mark);
        self.consecutive = if mark.failed { self.consecutive.saturating_add(1) } else { 0 };
        let rates = self.memory.rates(now);
        match self.phase {
            Phase::Closed => self.judge_closed(now, rates, trace),
            Phase::HalfOpen { attempt, .. } => {
                if let Some(rates) = rates {
                    self.judge_probes(now, rates, attempt, trace);
                }
            }
            Phase::MetricsOnly { failure_told, slow_told } => {
                if let Some(rates) = rates {
                    let (failure, slow) = (self.fails(rates), self.slows(rates));
                    self.tell_exceeded(now, rates, failure && !failure_told, slow && !slow_told, trace);
                    self.phase = Phase::MetricsOnly {
                        failure_told: failure_told || failure,
                        slow_told: slow_told || slow,
                    };
                }
            }
            // An open state only remembers; the other two have no window.
            Phase::Open { .. } | Phase::Disabled | Phase::ForcedOpen => {}
        }
    }

    /// From open to half-open, because the wait is over.
    pub(super) fn half_open(&mut self, now: Duration, trace: Option<&Arc<str>>) {
        let Phase::Open { attempt, .. } = self.phase else { return };
        let permits = self.config.half_open_permits;
        self.enter(now, Phase::HalfOpen { since: now, permits, attempt }, Cause::WaitOver, trace);
        self.memory = Memory::half_open(&self.config, now);
    }

    fn judge_closed(&mut self, now: Duration, rates: Option<Rates>, trace: Option<&Arc<str>>) {
        if let Some(rates) = rates
            && (self.fails(rates) || self.slows(rates))
        {
            self.tell_exceeded(now, rates, self.fails(rates), self.slows(rates), trace);
            let cause = self.too_many(rates);
            self.open(now, 1, cause, trace);
        } else if self.config.consecutive_failures.is_some_and(|limit| self.consecutive >= limit) {
            let cause =
                Cause::ConsecutiveFailures { count: self.consecutive, last_error: self.last_error.clone() };
            self.open(now, 1, cause, trace);
        }
    }

    fn judge_probes(&mut self, now: Duration, rates: Rates, attempt: u32, trace: Option<&Arc<str>>) {
        if self.fails(rates) || self.slows(rates) {
            let cause = self.too_many(rates);
            self.open(now, attempt.saturating_add(1), cause, trace);
        } else {
            let Rates { failure, slow, calls } = rates;
            self.enter_closed(now, Cause::Recovered { failure, slow, calls }, trace);
        }
    }

    fn end_overdue(&mut self, at: Duration, attempt: u32) {
        let seen = self.memory.evidence(at);
        let cause = Cause::Overdue { calls: seen.map_or(0, |rates| rates.calls), in_flight: self.in_flight };
        let closes = match self.config.overdue {
            Overdue::Open => false,
            Overdue::Close => true,
            Overdue::Judge => seen.is_some_and(|rates| !self.fails(rates) && !self.slows(rates)),
        };
        if closes {
            self.enter_closed(at, cause, None);
        } else {
            self.open(at, attempt.saturating_add(1), cause, None);
        }
    }

    fn fails(&self, rates: Rates) -> bool {
        rates.failure >= self.config.failure_rate
    }

    fn slows(&self, rates: Rates) -> bool {
        rates.slow >= self.config.slow_rate
    }

    fn too_many(&self, rates: Rates) -> Cause {
        let Rates { failure, slow, calls } = rates;
        Cause::Rates { failure, slow, calls, last_error: self.last_error.clone() }
    }

    fn tell_exceeded(
        &mut self,
        now: Duration,
        rates: Rates,
        failure: bool,
        slow: bool,
        trace: Option<&Arc<str>>,
    ) {
        if failure {
            self.tell(now, EventKind::FailureRateExceeded { rate: rates.failure }, trace.cloned());
        }
        if slow {
            self.tell(now, EventKind::SlowCallRateExceeded { rate: rates.slow }, trace.cloned());
        }
    }

    /// Open keeps the window and its counts, so that they can be looked at while nothing passes.
    fn open(&mut self, now: Duration, attempt: u32, cause: Cause, trace: Option<&Arc<str>>) {
        let wait = self.config.wait.of(attempt, &mut self.rng);
        let until = now.saturating_add(wait).max(self.hint_until);
        self.totals.opened += 1;
        self.enter(now, Phase::Open { until, attempt }, cause, trace);
    }

    fn enter_closed(&mut self, now: Duration, cause: Cause, trace: Option<&Arc<str>>) {
        self.enter(now, Phase::Closed, cause, trace);
        self.memory = Memory::closed(&self.config, now);
        self.hint_until = Duration::ZERO;
        self.last_error = None;
    }

    /// Every change of state goes through here, and makes the permits given before it stale.
    fn enter(&mut self, now: Duration, phase: Phase, cause: Cause, trace: Option<&Arc<str>>) {
        let (from, to) = (self.phase.state(), phase.state());
        self.phase = phase;
        self.consecutive = 0;
        // Entering the same state anew (a reset) is no transition in the reference either: calls that were
        // let through before still tell of the target.
        if from != to {
            self.generation += 1;
            self.totals.transitions += 1;
            self.last_move = Some(Move { at: now, from, to, cause: cause.clone() });
            self.log.push(now, EventKind::StateTransition { from, to, cause }, trace.cloned());
        }
    }
}
