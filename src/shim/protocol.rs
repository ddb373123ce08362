//! What the supervisor and a shim say to each other: the spec file, and one JSON object a line over the socket.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Raised when a message changes its meaning. CLI, supervisor and shim compare it before they talk.
pub(crate) const PROTOCOL: u32 = 1;

/// The one line that a shim prints on its standard output when its socket listens and its unit was started
/// (or could not be: that is a report). Any other line is the reason why it gave up. Then it closes both
/// standard output and standard error.
pub(crate) const READY: &str = "ready";

/// A program to start, complete: nothing is inherited from the shim's own environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub cwd: PathBuf,
    /// The unprivileged user to become; `None` keeps the shim's own.
    pub user: Option<RunAs>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunAs {
    pub uid: u32,
    pub gid: u32,
}

/// Everything a shim needs, read once from the 0600 file that its argument names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShimSpec {
    pub protocol: u32,
    pub unit: String,
    /// Counts the starts of this unit in this instance; also the number in the log segment's name.
    pub run: u64,
    pub launch: Launch,
    /// Directory of `<unit>.<run>.log` and `.idx`.
    pub logs: PathBuf,
    pub socket: PathBuf,
    pub exit_record: PathBuf,
    /// The unit's standard input is the shim's (the inherited listener) instead of `/dev/null`.
    pub inherit_stdin: bool,
}

/// A process that cannot be confused with a later one of the same pid on the same boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ProcessIdentity {
    pub pid: i32,
    /// Field 22 of `/proc/<pid>/stat`: clock ticks after boot.
    pub start_ticks: u64,
}

/// Who leads a unit. Written by its shim beside the exit record and removed when nothing of the unit lives: it
/// finds what a killed shim leaves. PostgreSQL and Redis write their titles over the environment and with it
/// over the unit's mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeaderRecord {
    pub unit: String,
    pub run: u64,
    pub identity: ProcessIdentity,
    /// `/proc/sys/kernel/random/boot_id`: start times begin anew with each boot.
    pub boot: String,
}

/// How the name of a [`LeaderRecord`] ends, after the unit's.
pub(crate) const LEADER_RECORD: &str = ".leader.json";

/// Empty when the kernel does not tell: then it is the same for every boot.
pub(crate) fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    Code(i32),
    Signal(i32),
    /// Its shim died first, so nobody saw the status.
    Unknown,
}

/// The exit record: outlives the shim, so that no exit status is lost with a supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExitRecord {
    pub unit: String,
    pub run: u64,
    pub outcome: Outcome,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Why the program could not be started. The outcome is then the code that shells use: 127 when it is
    /// missing, 126 when it could not be executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spawn_error: Option<String>,
}

/// From the shim, in the order in which things happened. A new connection first gets `Hello`, then the
/// report that describes the present state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ShimReport {
    Hello {
        protocol: u32,
        unit: String,
        run: u64,
    },
    Spawned(ProcessIdentity),
    SpawnFailed {
        message: String,
    },
    /// The unit's own process ended; descendants may live on.
    Exited(Outcome),
    /// No descendant lives and the output is in the log: the shim exits after this. Its socket is gone
    /// already, so that the next run's shim can take the path.
    Empty,
}

/// To the shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ShimCommand {
    Signal { signal: StopSignal, to: Target },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum StopSignal {
    Term,
    Int,
    Quit,
    Kill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Target {
    /// The unit's own process alone (PostgreSQL's postmaster).
    Leader,
    /// The leader's process group.
    Group,
    /// Every living descendant of the shim, whatever group or session it moved to.
    Descendants,
}
