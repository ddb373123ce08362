//! What the supervisor tells others of its units: the JSON of `doran ps`, and of every state stream.

use serde::{Deserialize, Serialize};

use super::state::{Cause, Word};
use super::unit::Kind;
use crate::shim::protocol::Outcome;

pub(crate) const SCHEMA: &str = "doran.ps/1";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateReport {
    pub schema: String,
    pub items: Vec<UnitReport>,
    pub supervisor: SupervisorReport,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SupervisorReport {
    pub pid: u32,
    pub protocol: u32,
    /// Milliseconds since it started.
    pub uptime_ms: u64,
    /// It ends as soon as nothing lives.
    pub shutting_down: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnitReport {
    pub name: String,
    pub service: String,
    pub kind: Kind,
    pub state: Word,
    /// The unit's own process, not its shim.
    pub pid: Option<i32>,
    pub port: Option<u16>,
    /// Starts that nobody asked for.
    pub restarts: u32,
    /// How long the present process has lived.
    pub uptime_ms: Option<u64>,
    /// When the present run began, in milliseconds since the supervisor's start; negative for a unit that was
    /// taken over from an earlier supervisor.
    pub started_ms: Option<i64>,
    /// When it was ready, or for a job: completed; on the same scale.
    pub ready_ms: Option<i64>,
    pub run: u64,
    /// Somebody wants it up.
    pub wanted: bool,
    pub depends_on: Vec<String>,
    /// What a pending unit still waits for.
    pub waits_for: Vec<String>,
    pub last_failure: Option<Cause>,
}

impl UnitReport {
    /// Ready, or for a job: done.
    pub(crate) fn is_up(&self) -> bool {
        match self.kind {
            Kind::Job => self.state == Word::Completed,
            Kind::Database | Kind::Cache | Kind::Service => self.state == Word::Ready,
        }
    }

    /// Nobody can expect it to come up without doing something.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.state, Word::Failed | Word::CrashLoop)
    }

    /// Nothing of it lives.
    pub(crate) fn is_down(&self) -> bool {
        match self.state {
            Word::Pending
            | Word::Stopped
            | Word::Backoff
            | Word::CrashLoop
            | Word::Completed
            | Word::Failed => true,
            Word::Starting | Word::Running | Word::Ready | Word::Unhealthy | Word::Stopping => false,
        }
    }

    /// Nothing of it lives, and nothing will start it again but a wish.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self.state, Word::Stopped | Word::Completed | Word::Failed)
    }

    /// Its own name, or that of the service it is a replica or a part of.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name == name || self.service == name
    }

    /// From the start of its process to ready, if this supervisor saw both.
    pub(crate) fn took_ms(&self) -> Option<u64> {
        let started = self.started_ms.filter(|started| *started >= 0)?;
        u64::try_from(self.ready_ms? - started).ok()
    }
}

impl Cause {
    /// For people: fits after "chat: ".
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Exited(Outcome::Code(code)) => format!("exited with code {code}"),
            Self::Exited(Outcome::Signal(signal)) => format!("was killed by signal {signal}"),
            Self::Exited(Outcome::Unknown) => "ended; its exit status is not known".to_owned(),
            Self::SpawnFailed(message) => format!("could not be started: {message}"),
            Self::NotReady(limit) => format!("was not ready within {} s", limit.as_secs()),
            Self::Unresponsive => "stopped answering its health probe".to_owned(),
        }
    }
}
