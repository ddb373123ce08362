//! The one error type of the command line and its exit codes.
//!
//! Commands return `anyhow::Result`; a failure whose class matters to a script is a [`CliError`] somewhere
//! in its chain. Rendering happens once, in `output.rs`.

use std::fmt;
use std::process::ExitCode;

/// How a run of `doran` ended. The numbers are documented in `doran help exit-codes` and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    Success = 0,
    /// A failed or edited migration, a failed job, survivors after `down`, unwritable state, anything else.
    Failure = 1,
    Usage = 2,
    /// The stack file is invalid, or a prerequisite is missing.
    Config = 3,
    /// A unit failed or crash-loops while somebody waited for it.
    UnitFailed = 4,
    Deadline = 5,
    NotRunning = 6,
    /// A port or a lock is held by somebody else, or an execution of a job is in the way.
    Conflict = 7,
    AssertionFailed = 8,
    ThresholdFailed = 9,
    /// Migrations are pending (only with `--exit-code`).
    Pending = 10,
    Interrupted = 130,
    Terminated = 143,
}

impl ExitStatus {
    pub const ALL: [(Self, &'static str); 13] = [
        (Self::Success, "everything that was asked for is done"),
        (
            Self::Failure,
            "failure: a migration or job failed, something survived a stop, state could not be written",
        ),
        (Self::Usage, "the command line is wrong"),
        (Self::Config, "the stack file is invalid, or a prerequisite is missing"),
        (Self::UnitFailed, "a unit failed or crash-loops while it was waited for"),
        (Self::Deadline, "the deadline passed"),
        (Self::NotRunning, "the stack, or the unit, is not running"),
        (
            Self::Conflict,
            "a port or a lock is held by somebody else, or an execution of the job is in the way",
        ),
        (Self::AssertionFailed, "a smoke assertion failed, or what was compared or audited does not agree"),
        (Self::ThresholdFailed, "a threshold failed"),
        (Self::Pending, "migrations are pending (with --exit-code)"),
        (Self::Interrupted, "interrupted (SIGINT)"),
        (Self::Terminated, "terminated (SIGTERM)"),
    ];

    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

/// A failure with a class, and what to do about it.
#[derive(Debug)]
pub(crate) struct CliError {
    pub status: ExitStatus,
    pub message: String,
    pub help: Option<String>,
}

impl CliError {
    pub(crate) fn new(status: ExitStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), help: None }
    }

    /// Adds the line that tells the reader what to do next.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}
