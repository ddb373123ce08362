//! What the runner saw, secrets and all. Neither `Debug` nor `Serialize`: it cannot be shown by accident.

use std::time::Duration;

use super::evaluate::Mismatch;
use super::redact::Redactor;

pub(crate) struct ScenarioRecord {
    pub file: String,
    pub name: String,
    pub took: Duration,
    pub steps: Vec<StepRecord>,
    /// Everything that was learned to be secret until the end.
    pub redactor: Redactor,
}

pub(crate) struct StepRecord {
    pub name: String,
    pub verdict: Verdict,
    /// Empty when the step was never reached.
    pub request: String,
    pub took: Duration,
    pub attempts: Vec<AttemptRecord>,
}

pub(crate) struct AttemptRecord {
    pub took: Duration,
    pub answer: Answer,
}

pub(crate) enum Answer {
    /// It came, and every check holds.
    Good {
        status: u16,
    },
    Bad {
        status: u16,
        mismatches: Vec<Mismatch>,
        body: String,
        trace: Option<String>,
    },
    /// Nothing came back, for this reason.
    Lost(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Passed,
    Failed,
    /// The time for the whole run was over.
    Unfinished,
    /// Not reached, because an earlier step did not pass.
    Skipped,
}
