//! The breaker as a pure machine: what it is told and what it answers. It reads no clock; `now` is the time
//! since the epoch of the caller's clock.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;

use super::config::{Config, ConfigError};
use super::event::{Event, EventKind, Log};
use super::memory::{Mark, Memory};
use super::snapshot::Totals;
use super::transition::Move;

/// The state under the reference's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Closed,
    Open,
    HalfOpen,
    Disabled,
    ForcedOpen,
    MetricsOnly,
}

impl State {
    pub const ALL: [Self; 6] =
        [Self::Closed, Self::Open, Self::HalfOpen, Self::Disabled, Self::ForcedOpen, Self::MetricsOnly];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Open => "OPEN",
            Self::HalfOpen => "HALF_OPEN",
            Self::Disabled => "DISABLED",
            Self::ForcedOpen => "FORCED_OPEN",
            Self::MetricsOnly => "METRICS_ONLY",
        }
    }

    /// Whether ordinary events are told of: the reference is silent while it is disabled or forced open.
    fn tells(self) -> bool {
        match self {
            Self::Closed | Self::Open | Self::HalfOpen | Self::MetricsOnly => true,
            Self::Disabled | Self::ForcedOpen => false,
        }
    }
}

/// A state with what only that state knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Closed,
    /// `attempt` is 1 after a closed state and grows with each failed recovery.
    Open {
        until: Duration,
        attempt: u32,
    },
    HalfOpen {
        since: Duration,
        permits: u32,
        attempt: u32,
    },
    Disabled,
    ForcedOpen,
    /// Each "exceeded" event is told once.
    MetricsOnly {
        failure_told: bool,
        slow_told: bool,
    },
}

impl Phase {
    pub(super) fn state(self) -> State {
        match self {
            Self::Closed => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
            Self::Disabled => State::Disabled,
            Self::ForcedOpen => State::ForcedOpen,
            Self::MetricsOnly { .. } => State::MetricsOnly,
        }
    }
}

/// The right to one call, to be given back by exactly one [`Machine::finish`].
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    pub(super) generation: u64,
    pub(super) probe: bool,
}

/// No permit. `retry_after` is known only while the breaker is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub state: State,
    pub retry_after: Option<Duration>,
}

/// How a call ended, as the caller classed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    /// `retry_after` is what the target asked for.
    Failure {
        cause: Cow<'static, str>,
        retry_after: Option<Duration>,
    },
    /// Says nothing about the target: the permit goes back.
    Ignored {
        cause: Cow<'static, str>,
    },
    /// Never answered, because the caller gave up: the permit goes back.
    Cancelled,
}

impl Outcome {
    /// Whether it is evidence for or against the target.
    fn tells_of_target(&self) -> bool {
        match self {
            Self::Success | Self::Failure { .. } => true,
            Self::Ignored { .. } | Self::Cancelled => false,
        }
    }
}

/// A finished call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub outcome: Outcome,
    pub duration: Duration,
    pub trace: Option<Arc<str>>,
}

/// One breaker's whole state.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(super) config: Config,
    pub(super) phase: Phase,
    pub(super) generation: u64,
    pub(super) memory: Memory,
    pub(super) in_flight: u32,
    pub(super) consecutive: u32,
    /// Until when the target asked to be left alone.
    pub(super) hint_until: Duration,
    pub(super) last_error: Option<Cow<'static, str>>,
    pub(super) last_move: Option<Move>,
    pub(super) totals: Totals,
    pub(super) log: Log,
    pub(super) rng: SmallRng,
}

impl Machine {
    /// A closed breaker. The generator is for the jitter of open waits.
    ///
    /// # Errors
    /// A setting is out of its range.
    pub fn new(config: Config, now: Duration, rng: SmallRng) -> Result<Self, ConfigError> {
        let config = config.checked()?;
        Ok(Self {
            phase: Phase::Closed,
            generation: 0,
            memory: Memory::closed(&config, now),
            config,
            in_flight: 0,
            consecutive: 0,
            hint_until: Duration::ZERO,
            last_error: None,
            last_move: None,
            totals: Totals::default(),
            log: Log::default(),
            rng,
        })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Asks for the right to one call.
    ///
    /// # Errors
    /// The breaker is open or forced open, or half-open with all its probes under way.
    pub fn acquire(&mut self, now: Duration, trace: Option<&Arc<str>>) -> Result<Token, Rejected> {
        self.tick(now);
        if let Phase::Open { until, .. } = self.phase
            && now > until
        {
            self.half_open(now, trace);
        }
        let (admitted, probe) = match &mut self.phase {
            Phase::Closed | Phase::Disabled | Phase::MetricsOnly { .. } => (true, false),
            Phase::Open { .. } | Phase::ForcedOpen => (false, false),
            Phase::HalfOpen { permits, .. } => {
                let admitted = *permits > 0;
                *permits = permits.saturating_sub(1);
                (admitted, true)
            }
        };
        if admitted {
            self.in_flight += 1;
            return Ok(Token { generation: self.generation, probe });
        }
        self.memory.not_permitted += 1;
        self.totals.not_permitted += 1;
        self.tell(now, EventKind::NotPermitted, trace.cloned());
        Err(Rejected { state: self.phase.state(), retry_after: self.retry_after(now) })
    }

    /// Takes a permit back with what came of it.
    #[expect(clippy::needless_pass_by_value, reason = "a token is spent: nobody may finish a call twice")]
    pub fn finish(&mut self, now: Duration, token: Token, report: Report) {
        self.tick(now);
        let Report { outcome, duration, trace } = report;
        self.in_flight = self.in_flight.saturating_sub(1);
        let slow = duration > self.config.slow_call;
        self.totals.slow += u64::from(slow && outcome.tells_of_target());
        let stale = token.generation != self.generation;
        self.totals.stale += u64::from(stale);
        let counts = !(stale && self.config.generations);
        match outcome {
            Outcome::Success => {
                self.totals.successful += 1;
                self.tell(now, EventKind::Success { duration }, trace.clone());
                if counts {
                    self.record(now, Mark { failed: false, slow }, trace.as_ref());
                }
            }
            Outcome::Failure { cause, retry_after } => {
                self.totals.failed += 1;
                self.tell(now, EventKind::Error { duration, cause: cause.clone() }, trace.clone());
                if counts {
                    self.last_error = Some(cause);
                    self.take_hint(now, retry_after);
                    self.record(now, Mark { failed: true, slow }, trace.as_ref());
                }
            }
            Outcome::Ignored { cause } => {
                self.totals.ignored += 1;
                self.tell(now, EventKind::IgnoredError { duration, cause }, trace);
                self.give_back(counts);
            }
            Outcome::Cancelled => {
                self.totals.cancelled += 1;
                self.tell(now, EventKind::Cancelled { duration }, trace);
                self.give_back(counts);
            }
        }
    }

    /// What is kept of the events after this sequence, oldest first.
    pub fn events_after(&self, sequence: u64) -> impl Iterator<Item = &Event<Duration>> {
        self.log.after(sequence)
    }

    /// Sequence of the newest event; 0 before the first.
    pub fn last_event(&self) -> u64 {
        self.log.last()
    }

    pub(super) fn tell(&mut self, now: Duration, kind: EventKind, trace: Option<Arc<str>>) {
        if self.phase.state().tells() {
            self.log.push(now, kind, trace);
        }
    }

    fn give_back(&mut self, counts: bool) {
        if let Phase::HalfOpen { permits, .. } = &mut self.phase
            && counts
        {
            *permits += 1;
        }
    }

    fn take_hint(&mut self, now: Duration, hint: Option<Duration>) {
        if let (Some(hint), Some(cap)) = (hint, self.config.retry_after_cap) {
            self.hint_until = self.hint_until.max(now.saturating_add(hint.min(cap)));
        }
    }

    pub(super) fn retry_after(&self, now: Duration) -> Option<Duration> {
        match self.phase {
            Phase::Open { until, .. } => Some(until.saturating_sub(now)),
            Phase::Closed
            | Phase::HalfOpen { .. }
            | Phase::Disabled
            | Phase::ForcedOpen
            | Phase::MetricsOnly { .. } => None,
        }
    }
}
