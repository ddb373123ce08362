//! A unit as the runtime needs it: what to start, how to tell that it is ready, how to end it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::state::{Lifetime, Rules};
use crate::shim::protocol::{Launch, StopSignal, Target};
use crate::stack::{Condition, Probe, Restart, RestartPolicy};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Database,
    Cache,
    Service,
    Job,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Cache => "cache",
            Self::Service => "service",
            Self::Job => "job",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnitSpec {
    /// Unique in the stack: `auth_db`, `auth_db-migrate`, `chat`, `chat-2`.
    pub name: String,
    /// What it is a replica or a part of: the key in the stack file.
    pub service: String,
    pub kind: Kind,
    pub launch: Launch,
    pub port: Option<u16>,
    pub depends_on: Vec<(String, Condition)>,
    pub probe: Probe,
    pub start_timeout: Duration,
    pub stop_timeout: Duration,
    pub restart: Restart,
    /// Its listener is opened by the supervisor and inherited as standard input.
    pub inherit_listener: bool,
}

impl UnitSpec {
    /// The part that `step` looks at.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            lifetime: match self.kind {
                Kind::Job => Lifetime::Job,
                Kind::Database | Kind::Cache | Kind::Service => Lifetime::Service,
            },
            restart: self.restart.clone(),
            start_timeout: self.start_timeout,
            stop: stop_plan(self.kind),
            grace: self.stop_timeout,
        }
    }
}

/// PostgreSQL takes TERM as "wait until every client has gone", so its postmaster alone gets INT (fast
/// shutdown), then QUIT (immediate). Everything else gets TERM to its group.
fn stop_plan(kind: Kind) -> Vec<(StopSignal, Target)> {
    let kill = (StopSignal::Kill, Target::Descendants);
    match kind {
        Kind::Database => vec![(StopSignal::Int, Target::Leader), (StopSignal::Quit, Target::Leader), kill],
        Kind::Cache | Kind::Service | Kind::Job => vec![(StopSignal::Term, Target::Group), kill],
    }
}

/// How the backing services are restarted; jobs never are.
pub(crate) fn restart(policy: RestartPolicy) -> Restart {
    Restart {
        policy,
        backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(30),
        crash_loop_after: 5,
    }
}
