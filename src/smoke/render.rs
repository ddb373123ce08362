//! A report as text for people.

use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};

use super::record::Verdict;
use super::report::{AttemptReport, ScenarioReport, StepReport, Summary};

/// A scenario with its steps; what went wrong below the step.
pub(crate) fn render_scenario(scenario: &ScenarioReport) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_scenario(&mut text, scenario);
    text
}

/// The last line of a run.
pub(crate) fn render_summary(summary: &Summary) -> String {
    let Summary { passed, failed, unfinished, steps, took_ms } = *summary;
    let unfinished = if unfinished == 0 { String::new() } else { format!(", unfinished {unfinished}") };
    format!("passed {passed}, failed {failed}{unfinished} ({steps} steps in {})", time(took_ms))
}

fn write_scenario(text: &mut String, scenario: &ScenarioReport) -> fmt::Result {
    let (mark, style) = sign(scenario.verdict);
    let bold = Style::new().bold();
    write!(text, "{style}{mark}{style:#} {bold}{}{bold:#}  {}", scenario.name, time(scenario.took_ms))?;
    for step in &scenario.steps {
        write_step(text, step)?;
    }
    Ok(())
}

fn write_step(text: &mut String, step: &StepReport) -> fmt::Result {
    let (mark, style) = sign(step.verdict);
    write!(text, "\n  {style}{mark}{style:#} {}", step.name)?;
    match step.verdict {
        Verdict::Skipped => return write!(text, "  skipped"),
        Verdict::Unfinished => write!(text, "  the time was over")?,
        Verdict::Passed | Verdict::Failed => {}
    }
    if step.attempts.is_empty() {
        return Ok(());
    }
    write!(text, "  {}", time(step.took_ms))?;
    if step.attempts.len() > 1 {
        write!(text, ", {} attempts", step.attempts.len())?;
    }
    match (step.verdict, step.attempts.as_slice()) {
        (Verdict::Passed, [.., failed, _]) => write!(text, ", before: {}", reason(failed)),
        (Verdict::Failed | Verdict::Unfinished, [.., last]) => write_attempt(text, step, last),
        (_, _) => Ok(()),
    }
}

fn write_attempt(text: &mut String, step: &StepReport, last: &AttemptReport) -> fmt::Result {
    write!(text, "\n      {}", step.request)?;
    match (last.status, &last.error) {
        (Some(status), _) => write!(text, " → {status}")?,
        (None, Some(error)) => write!(text, " → {error}")?,
        (None, None) => {}
    }
    for failure in &last.failures {
        write!(text, "\n      {}: expected {}, got {}", failure.what, failure.expected, failure.actual)?;
    }
    if let Some(body) = &last.body {
        let shown = if body.is_empty() { "(empty)" } else { body.as_str() };
        write!(text, "\n      body: {}", shown.replace('\n', "\n            "))?;
    }
    match &last.trace_id {
        Some(trace) => write!(text, "\n      trace: {trace}"),
        None => Ok(()),
    }
}

/// Why an attempt was not the last one, in a few words.
fn reason(attempt: &AttemptReport) -> String {
    match (&attempt.error, attempt.failures.first()) {
        (Some(error), _) => error.clone(),
        (None, Some(first)) => format!("{}: expected {}, got {}", first.what, first.expected, first.actual),
        (None, None) => "no failure".to_owned(),
    }
}

fn sign(verdict: Verdict) -> (&'static str, Style) {
    match verdict {
        Verdict::Passed => ("✔", AnsiColor::Green.on_default()),
        Verdict::Failed => ("✘", AnsiColor::Red.on_default().bold()),
        Verdict::Unfinished => ("⧖", AnsiColor::Yellow.on_default()),
        Verdict::Skipped => ("–", Style::new().dimmed()),
    }
}

fn time(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1_000, ms % 1_000 / 100) }
}
