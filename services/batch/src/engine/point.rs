//! The points of an execution at which a process can die. Each is told to whoever listens, so that a test can kill there.

use contract::id::ExecutionId;
use tracing::debug;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The execution has been taken up.
    Claimed,
    /// The parts of a step are known, and not written yet.
    Planned,
    /// A chunk is about to be done.
    Begin,
    /// Its items are read, and nothing is written.
    Read,
    /// What it had to do elsewhere is done, and nothing of it is known here.
    Written,
    /// It is written here, and not committed yet.
    Committing,
    Committed,
    /// A step is complete.
    StepDone,
    /// The end is written, and not committed yet.
    Ending,
    Ended,
    /// The execution is another's. Nothing is passed here that could be done once too often; a test waits for it.
    Lost,
}

impl Point {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Planned => "planned",
            Self::Begin => "begin",
            Self::Read => "read",
            Self::Written => "written",
            Self::Committing => "committing",
            Self::Committed => "committed",
            Self::StepDone => "step-done",
            Self::Ending => "ending",
            Self::Ended => "ended",
            Self::Lost => "lost",
        }
    }
}

pub fn reached(point: Point, execution: ExecutionId, step: &str) {
    let point = point.as_str();
    debug!(target: "batch::engine::point", point, execution.id = %execution, step, "reached {point}");
}
