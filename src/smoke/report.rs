//! What is shown of a run: plain data without secrets, for people and for `--json` alike.

use std::time::Duration;

use serde::Serialize;

use super::evaluate::{Mismatch, Said, Subject};
use super::record::{Answer, AttemptRecord, ScenarioRecord, StepRecord, Verdict};
use super::redact::Redactor;
use super::scenario::Origin;
use crate::error::ExitStatus;

pub(crate) const SCHEMA: &str = "doran.smoke/1";
/// Enough of a body to recognise what answered.
const LONGEST_BODY: usize = 600;
const LONGEST_VALUE: usize = 200;

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    schema: &'static str,
    pub items: Vec<ScenarioReport>,
    pub summary: Summary,
}

/// Counts of scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    pub passed: usize,
    pub failed: usize,
    pub unfinished: usize,
    /// Steps that were tried.
    pub steps: usize,
    pub took_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScenarioReport {
    pub name: String,
    pub file: String,
    pub verdict: Verdict,
    pub took_ms: u64,
    pub steps: Vec<StepReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepReport {
    pub name: String,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub request: String,
    pub took_ms: u64,
    pub attempts: Vec<AttemptReport>,
}

/// One try. Status, failures and the rest are those of this try, so that the way to a verdict can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttemptReport {
    pub took_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailureReport>,
    /// Why nothing came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The beginning of the body, for the last try only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FailureReport {
    pub what: String,
    pub expected: String,
    pub actual: String,
}

impl Document {
    pub(crate) fn new(items: Vec<ScenarioReport>, took: Duration) -> Self {
        let count = |verdict| items.iter().filter(|item| item.verdict == verdict).count();
        let tried =
            |item: &ScenarioReport| item.steps.iter().filter(|step| !step.attempts.is_empty()).count();
        let summary = Summary {
            passed: count(Verdict::Passed),
            failed: count(Verdict::Failed),
            unfinished: count(Verdict::Unfinished),
            steps: items.iter().map(tried).sum(),
            took_ms: ms(took),
        };
        Self { schema: SCHEMA, items, summary }
    }
}

impl Summary {
    /// A deadline says more than a failure: what was not tried may fail as well.
    pub(crate) fn exit_status(&self) -> ExitStatus {
        match (self.unfinished, self.failed) {
            (0, 0) => ExitStatus::Success,
            (0, _) => ExitStatus::AssertionFailed,
            (_, _) => ExitStatus::Deadline,
        }
    }
}

impl ScenarioReport {
    /// The only way from what was seen to what is shown.
    pub(crate) fn of(record: ScenarioRecord) -> Self {
        let verdicts = || record.steps.iter().map(|step| step.verdict);
        let verdict = verdicts().find(|verdict| *verdict != Verdict::Passed).unwrap_or(Verdict::Passed);
        let redactor = &record.redactor;
        let steps = record.steps.iter().map(|step| step_report(step, redactor)).collect();
        Self { name: record.name, file: record.file, verdict, took_ms: ms(record.took), steps }
    }
}

fn step_report(step: &StepRecord, redactor: &Redactor) -> StepReport {
    let last = step.attempts.len().saturating_sub(1);
    let attempts = step.attempts.iter().enumerate();
    StepReport {
        name: step.name.clone(),
        verdict: step.verdict,
        request: redactor.text(&step.request),
        took_ms: ms(step.took),
        attempts: attempts.map(|(index, attempt)| attempt_report(attempt, index == last, redactor)).collect(),
    }
}

fn attempt_report(attempt: &AttemptRecord, is_last: bool, redactor: &Redactor) -> AttemptReport {
    let mut report = AttemptReport {
        took_ms: ms(attempt.took),
        status: None,
        failures: Vec::new(),
        error: None,
        trace_id: None,
        body: None,
    };
    match &attempt.answer {
        Answer::Good { status } => report.status = Some(*status),
        Answer::Lost(why) => report.error = Some(redactor.text(why)),
        Answer::Bad { status, mismatches, body, trace } => {
            report.status = Some(*status);
            report.failures = mismatches.iter().map(|mismatch| failure(mismatch, redactor)).collect();
            report.trace_id = trace.as_deref().map(|trace| redactor.text(trace));
            // Redacted before it is cut: half a secret is a secret that no search finds.
            report.body = is_last.then(|| cut(&redactor.body(body), LONGEST_BODY));
        }
    }
    report
}

fn failure(mismatch: &Mismatch, redactor: &Redactor) -> FailureReport {
    let shown = |said: &Said| {
        let clean = match (said, &mismatch.subject) {
            (Said::Words(text), _) => text.clone(),
            (Said::Text(text), Subject::Header(name)) => redactor.header(name, text),
            (Said::Text(text), _) => redactor.text(text),
            (Said::Json(value), Subject::Json(pointer)) => redactor.json_at(pointer, value).to_string(),
            (Said::Json(value), _) => redactor.json(value).to_string(),
        };
        cut(&clean, LONGEST_VALUE)
    };
    FailureReport {
        what: subject(&mismatch.subject),
        expected: shown(&mismatch.expected),
        actual: shown(&mismatch.actual),
    }
}

/// Names from the scenario file only: no value is in it.
fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Status => "status".to_owned(),
        Subject::Header(name) => format!("header {name}"),
        Subject::Json(pointer) => format!("json {pointer}"),
        Subject::Body => "body".to_owned(),
        Subject::Capture(name, Origin::Json(pointer)) => format!("capture {name} from json {pointer}"),
        Subject::Capture(name, Origin::Header(header)) => format!("capture {name} from header {header}"),
    }
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
