//! What happened to a breaker, in order, with the cause and the trace it happened in.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::machine::State;

/// One thing that happened. `At` is the time since the clock's epoch within the core, the wall time outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<At = SystemTime> {
    /// Counts up by one from 1 for each breaker; never repeats.
    pub sequence: u64,
    pub at: At,
    pub kind: EventKind,
    /// The trace of the call that made it happen.
    pub trace: Option<Arc<str>>,
}

impl Event<Duration> {
    /// The same in wall time, given what time it is now on both clocks. Wall time is looked up when somebody
    /// reads an event, not for each call: that is a clock less on the hot path.
    pub(super) fn told_at(self, now: Duration, wall: SystemTime) -> Event {
        let ago = now.saturating_sub(self.at);
        Event {
            sequence: self.sequence,
            at: wall.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH),
            kind: self.kind,
            trace: self.trace,
        }
    }
}

/// The reference's event types, and [`EventKind::Cancelled`].
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    Success {
        duration: Duration,
    },
    Error {
        duration: Duration,
        cause: Cow<'static, str>,
    },
    IgnoredError {
        duration: Duration,
        cause: Cow<'static, str>,
    },
    /// Ours: the call was dropped without an outcome.
    Cancelled {
        duration: Duration,
    },
    NotPermitted,
    StateTransition {
        from: State,
        to: State,
        cause: Cause,
    },
    Reset,
    ForcedOpen,
    Disabled,
    FailureRateExceeded {
        rate: f32,
    },
    SlowCallRateExceeded {
        rate: f32,
    },
}

impl EventKind {
    /// The reference's name of the type.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Success { .. } => "SUCCESS",
            Self::Error { .. } => "ERROR",
            Self::IgnoredError { .. } => "IGNORED_ERROR",
            Self::Cancelled { .. } => "CANCELLED",
            Self::NotPermitted => "NOT_PERMITTED",
            Self::StateTransition { .. } => "STATE_TRANSITION",
            Self::Reset => "RESET",
            Self::ForcedOpen => "FORCED_OPEN",
            Self::Disabled => "DISABLED",
            Self::FailureRateExceeded { .. } => "FAILURE_RATE_EXCEEDED",
            Self::SlowCallRateExceeded { .. } => "SLOW_CALL_RATE_EXCEEDED",
        }
    }
}

/// What a person asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Close,
    ForceOpen,
    Disable,
    MetricsOnly,
    Reset,
}

impl Operation {
    /// As operators write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Close => "CLOSE",
            Self::ForceOpen => "FORCE_OPEN",
            Self::Disable => "DISABLE",
            Self::MetricsOnly => "METRICS_ONLY",
            Self::Reset => "RESET",
        }
    }
}

/// Why the state changed. Its text is one sentence for the person who asks why no call is permitted.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// At least one of the two rates reached its threshold. `last_error` is the newest failure's cause.
    Rates {
        failure: f32,
        slow: f32,
        calls: u32,
        last_error: Option<Cow<'static, str>>,
    },
    ConsecutiveFailures {
        count: u32,
        last_error: Option<Cow<'static, str>>,
    },
    /// The open wait is over.
    WaitOver,
    /// Enough probes stayed below both thresholds.
    Recovered {
        failure: f32,
        slow: f32,
        calls: u32,
    },
    /// The half-open state lasted too long.
    Overdue {
        calls: u32,
        in_flight: u32,
    },
    Operator(Operation),
    /// What is called is not what it was: another process, say.
    Renewed,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rates { failure, slow, calls, last_error } => {
                write!(f, "of {calls} calls {failure:.1} % failed and {slow:.1} % were slow")?;
                write_last(f, last_error.as_deref())
            }
            Self::ConsecutiveFailures { count, last_error } => {
                write!(f, "{count} calls in a row failed")?;
                write_last(f, last_error.as_deref())
            }
            Self::WaitOver => f.write_str("the open wait is over"),
            Self::Recovered { failure, slow, calls } => {
                write!(f, "of {calls} probes only {failure:.1} % failed and {slow:.1} % were slow")
            }
            Self::Overdue { calls, in_flight } => {
                write!(f, "half-open for too long: {calls} probes answered, {in_flight} calls are in flight")
            }
            Self::Operator(operation) => write!(f, "an operator asked for {}", operation.as_str()),
            Self::Renewed => f.write_str("the target was replaced"),
        }
    }
}

fn write_last(f: &mut fmt::Formatter<'_>, last: Option<&str>) -> fmt::Result {
    last.map_or(Ok(()), |last| write!(f, ", the last with: {last}"))
}

/// The newest events, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    events: VecDeque<Event<Duration>>,
    sequence: u64,
}

/// As many as the reference keeps.
pub(super) const KEPT_EVENTS: usize = 100;

impl Log {
    pub(super) fn push(&mut self, at: Duration, kind: EventKind, trace: Option<Arc<str>>) {
        if self.events.len() == KEPT_EVENTS {
            self.events.pop_front();
        }
        self.sequence += 1;
        self.events.push_back(Event { sequence: self.sequence, at, kind, trace });
    }

    /// Sequence of the newest event; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.sequence
    }

    /// What is kept of the events after this sequence.
    pub(super) fn after(&self, sequence: u64) -> impl Iterator<Item = &Event<Duration>> {
        let new = usize::try_from(self.sequence.saturating_sub(sequence)).unwrap_or(usize::MAX);
        self.events.range(self.events.len().saturating_sub(new)..)
    }
}
