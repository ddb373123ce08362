//! What the supervisor knows of each unit. Plain data: the rules that move it are in `step.rs`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::graph::Graph;
use crate::shim::protocol::{Outcome, StopSignal, Target};
use crate::stack::{Condition, Restart};

/// Index of a unit in its [`StackState`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UnitId(pub usize);

/// Counts the starts of a unit. A report carries the run it came from, so that a late word of a process that
/// is gone cannot touch its successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub(crate) struct RunId(pub u64);

/// Changes with every change of phase; a timer set in an earlier epoch is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Epoch(pub u64);

/// What an operator wants of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Desired {
    Up,
    Down,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Want(Desired),
    /// Stop and start again, whatever depends on it.
    Restart,
    /// A live process of an earlier supervisor was found.
    Adopted {
        run: RunId,
        pid: i32,
        started: Instant,
    },
    Report(RunId, Report),
    Timeout(Epoch),
}

/// What happened to a unit's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Report {
    Spawned(i32),
    SpawnFailed(String),
    Probed(Verdict),
    /// The unit's own process ended; descendants may live on.
    Exited(Outcome),
    /// Nothing of the unit lives any more.
    Gone,
}

/// The answer of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ready,
    /// It answers, and says that it is not ready.
    Alive,
    /// It does not answer.
    Silent,
}

/// What the runtime has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Spawn(RunId),
    Signal(StopSignal, Target),
    StartProbe(RunId),
    StopProbe,
    /// Deliver `Timeout(epoch)` after this long, plus a random part of `spread`.
    Timer {
        after: Duration,
        spread: Duration,
        epoch: Epoch,
    },
    /// The unit's phase changed.
    Publish,
}

/// Where a unit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Wanted, and waiting for what it depends on.
    Pending,
    /// Its shim was asked to start it.
    Starting,
    /// Its process lives, and has not been ready yet.
    Running,
    Ready,
    /// It was ready; `silent` probes in a row got no answer since.
    Unhealthy {
        silent: u32,
    },
    /// It is being ended: `step` is the next entry of its stop plan.
    Stopping {
        step: usize,
        then: Then,
    },
    Stopped,
    /// It failed, and waits before the next start.
    Backoff,
    /// It failed again and again, and waits for the longest time.
    CrashLoop,
    /// It ran to its end, as it should.
    Completed,
    /// It failed, and nobody tries again.
    Failed,
}

/// What follows when nothing of the unit lives any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    Rest,
    StartAgain,
    /// Ask the restart policy.
    Judge(Cause),
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Cause {
    Exited(Outcome),
    SpawnFailed(String),
    /// Not ready within its start timeout.
    NotReady(Duration),
    /// Was ready, then answered no probe.
    Unresponsive,
}

/// The word that people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    Pending,
    Starting,
    Running,
    Ready,
    Unhealthy,
    Stopping,
    Stopped,
    Backoff,
    CrashLoop,
    Completed,
    Failed,
}

impl Phase {
    pub(crate) fn word(&self) -> Word {
        match self {
            Self::Pending => Word::Pending,
            Self::Starting => Word::Starting,
            Self::Running => Word::Running,
            Self::Ready => Word::Ready,
            Self::Unhealthy { .. } => Word::Unhealthy,
            Self::Stopping { .. } => Word::Stopping,
            Self::Stopped => Word::Stopped,
            Self::Backoff => Word::Backoff,
            Self::CrashLoop => Word::CrashLoop,
            Self::Completed => Word::Completed,
            Self::Failed => Word::Failed,
        }
    }

    /// Something of the unit may be alive.
    pub(crate) fn is_live(&self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::Ready | Self::Unhealthy { .. } | Self::Stopping { .. } => {
                true
            }
            Self::Pending
            | Self::Stopped
            | Self::Backoff
            | Self::CrashLoop
            | Self::Completed
            | Self::Failed => false,
        }
    }

    /// Whether a dependent that waits for `condition` may go on.
    pub(crate) fn satisfies(&self, condition: Condition) -> bool {
        match condition {
            Condition::Started => matches!(self, Self::Running | Self::Ready | Self::Unhealthy { .. }),
            Condition::Healthy => matches!(self, Self::Ready),
            Condition::Completed => matches!(self, Self::Completed),
        }
    }
}

impl Word {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Unhealthy => "unhealthy",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Backoff => "backoff",
            Self::CrashLoop => "crash-loop",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// Whether a unit is meant to run for ever or to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    Service,
    Job,
}

/// The part of a unit's spec that the rules look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    pub lifetime: Lifetime,
    pub restart: Restart,
    pub start_timeout: Duration,
    /// Signals in order; `grace` passes between one and the next. The last is repeated.
    pub stop: Vec<(StopSignal, Target)>,
    pub grace: Duration,
}

/// When things happened in the present run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Times {
    /// All dependencies were there and the start began.
    pub started: Option<Instant>,
    /// Ready, or for a job: completed.
    pub ready: Option<Instant>,
}

#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub name: String,
    pub rules: Rules,
    pub desired: Desired,
    pub phase: Phase,
    pub epoch: Epoch,
    pub run: RunId,
    pub pid: Option<i32>,
    /// Failures without a stable minute between them.
    pub failures: u32,
    /// Starts that nobody asked for.
    pub restarts: u32,
    /// Why the last run ended, if it did not end as it should.
    pub last_failure: Option<Cause>,
    pub times: Times,
}

/// All units of one instance.
#[derive(Debug, Clone)]
pub(crate) struct StackState {
    pub units: Vec<Unit>,
    pub graph: Graph,
}

impl StackState {
    /// Units at rest, none of them wanted. `next_runs` continues the counts of an earlier supervisor.
    pub(crate) fn new(
        units: Vec<(String, Rules)>,
        graph: Graph,
        next_runs: &BTreeMap<String, RunId>,
    ) -> Self {
        let units = units
            .into_iter()
            .map(|(name, rules)| {
                let run = next_runs.get(&name).copied().unwrap_or_default();
                Unit::at_rest(name, rules, run)
            })
            .collect();
        Self { units, graph }
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = UnitId> + use<> {
        (0..self.units.len()).map(UnitId)
    }

    pub(crate) fn unit(&self, id: UnitId) -> &Unit {
        &self.units[id.0]
    }

    pub(crate) fn unit_mut(&mut self, id: UnitId) -> &mut Unit {
        &mut self.units[id.0]
    }

    /// The dependencies that a pending unit still waits for.
    pub(crate) fn waits_for(&self, id: UnitId) -> impl Iterator<Item = (UnitId, Condition)> + '_ {
        self.graph
            .dependencies(id)
            .iter()
            .copied()
            .filter(|(on, condition)| !self.unit(*on).phase.satisfies(*condition))
    }
}

impl Unit {
    fn at_rest(name: String, rules: Rules, run: RunId) -> Self {
        Self {
            name,
            rules,
            desired: Desired::Down,
            phase: Phase::Stopped,
            epoch: Epoch::default(),
            run,
            pid: None,
            failures: 0,
            restarts: 0,
            last_failure: None,
            times: Times::default(),
        }
    }
}
