//! Executions as text and as documents, and the exit code that one stands for.

use comfy_table::{CellAlignment, Table, presets};
use contract::batch::{Execution, ExecutionStatus, Progress, StepExecution};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::item::{self, between, count, lines_of, rate, span};
use crate::command::cell::{day_and_time, one_line, time};
use crate::error::ExitStatus;
use crate::output::Printer;

pub(super) const SCHEMA: &str = "doran.batch-executions/1";
/// The exit code of a job that compares, of itself complete, and has found that what it compared differs.
const DIFFERENCES: &str = "COMPLETED_WITH_DIFFERENCES";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    items: &'a [Execution],
}

/// What a verb that waited for the end exits with.
pub(super) fn exit_status(execution: &Execution) -> ExitStatus {
    match execution.status {
        ExecutionStatus::Completed if execution.exit_code == DIFFERENCES => ExitStatus::AssertionFailed,
        ExecutionStatus::Completed => ExitStatus::Success,
        ExecutionStatus::Starting
        | ExecutionStatus::Started
        | ExecutionStatus::Stopping
        | ExecutionStatus::Stopped
        | ExecutionStatus::Failed
        | ExecutionStatus::Abandoned
        | ExecutionStatus::Unknown => ExitStatus::Failure,
    }
}

/// One as data.
pub(super) fn show(execution: &Execution, out: &Printer) -> anyhow::Result<()> {
    if out.is_document() {
        return out.document(&Document { schema: SCHEMA, items: std::slice::from_ref(execution) });
    }
    out.line(text(execution, &TimeZone::system()))?;
    Ok(())
}

/// Several as data; `none` is said when there are none.
pub(super) fn show_all(items: &[Execution], none: &str, out: &Printer) -> anyhow::Result<()> {
    if out.is_document() {
        return out.document(&Document { schema: SCHEMA, items });
    }
    if items.is_empty() {
        out.note(none);
    } else {
        out.line(lines_of(&table(items, &TimeZone::system())))?;
    }
    Ok(())
}

pub(super) fn table(items: &[Execution], zone: &TimeZone) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["ID", "JOB", "STATUS", "BEGUN", "TOOK", "READ", "WRITTEN", "SKIPPED", "BY", "MESSAGE"]);
    for execution in items {
        let Progress { read, written, skipped, .. } = execution.progress;
        let dry_run = if execution.dry_run { " (dry run)" } else { "" };
        table.add_row([
            execution.id.to_string(),
            format!("{}{dry_run}", execution.job),
            item::status(execution.status),
            day_and_time(time(execution.create_time.timestamp_micros()), zone),
            took(execution),
            count(read),
            count(written),
            count(skipped),
            execution.triggered_by.clone(),
            execution.exit_message.as_deref().map(one_line).unwrap_or_default(),
        ]);
    }
    align_right(&mut table, 4..=7);
    table
}

pub(super) fn text(execution: &Execution, zone: &TimeZone) -> String {
    let lines = lines(execution, zone).into_iter();
    let lines = lines.map(|(key, value)| format!("{key:<10} {}", value.replace('\n', "\n           ")));
    let mut text = lines.collect::<Vec<String>>().join("\n");
    if !execution.steps.is_empty() {
        text.extend(["\n\n", &lines_of(&steps(&execution.steps))]);
    }
    text
}

fn lines(execution: &Execution, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let Execution { progress, .. } = execution;
    let dry_run = if execution.dry_run { " (dry run: nothing is changed)" } else { "" };
    let own_word = execution.exit_code != execution.status.as_str() && !execution.status.is_running();
    let exit_code = if own_word { format!(", {}", execution.exit_code) } else { String::new() };
    let begun = day_and_time(time(execution.create_time.timestamp_micros()), zone);
    let skipped =
        if progress.skipped > 0 { format!(", {} skipped", count(progress.skipped)) } else { String::new() };
    let average = progress.items_per_second.map(|each| format!(", {}", rate(each))).unwrap_or_default();
    let mut lines = vec![
        ("id", execution.id.to_string()),
        ("job", format!("{}{dry_run}", execution.job)),
        ("status", format!("{}{exit_code}", item::status(execution.status))),
        ("parameters", item::parameters(&execution.parameters)),
        ("begun", format!("{begun} by {}", execution.triggered_by)),
    ];
    if execution.start_time.is_some() && execution.end_time.is_some() {
        lines.push(("took", took(execution)));
    }
    if execution.status.is_running() {
        lines.push(("owner", execution.owner.clone().unwrap_or_else(|| "nobody yet".to_owned())));
        lines.push(("advance", item::advance(progress)));
    } else {
        let (read, written) = (count(progress.read), count(progress.written));
        lines.push(("items", format!("{read} read, {written} written{skipped}{average}")));
    }
    if execution.takeovers > 0 {
        lines.push(("takeovers", execution.takeovers.to_string()));
    }
    lines.extend(execution.restart_of.map(|before| ("restart of", before.to_string())));
    lines.extend(execution.exit_message.clone().map(|message| ("message", message)));
    if !execution.summary.is_empty() {
        lines.push(("summary", item::summary(&execution.summary)));
    }
    lines.retain(|(_, value)| !value.is_empty());
    lines
}

fn steps(steps: &[StepExecution]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "STEP", "STATUS", "READ", "TOTAL", "FILTERED", "WRITTEN", "SKIPPED", "CHUNKS", "AGAIN", "RATE",
        "MESSAGE",
    ]);
    for step in steps {
        table.add_row([
            step.name.clone(),
            item::status(step.status),
            count(step.read),
            step.total.map(count).unwrap_or_default(),
            count(step.filtered),
            count(step.written),
            count(step.skipped),
            count(step.commits),
            count(step.rollbacks),
            step.items_per_second.map(rate).unwrap_or_default(),
            step.exit_message.as_deref().map(one_line).unwrap_or_default(),
        ]);
    }
    align_right(&mut table, 2..=9);
    table
}

pub(super) fn align_right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Nothing while it runs: the clock that began it is another than the reader's.
fn took(execution: &Execution) -> String {
    let (Some(start), Some(end)) = (execution.start_time, execution.end_time) else {
        return String::new();
    };
    span(between(start.timestamp_micros(), end.timestamp_micros()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Of a night in which an instance died.
    pub(in crate::command::batch) fn failed() -> Execution {
        serde_json::from_value(serde_json::json!({
            "id": "01931f0e-7c5a-7000-8000-0123456789aa",
            "job": "message-archiving",
            "parameters": [
                { "name": "month", "type": "string", "value": "2026-01", "identifying": true },
                { "name": "delete", "type": "boolean", "value": "true", "identifying": false },
            ],
            "status": "FAILED",
            "exitCode": "FAILED",
            "exitMessage": "chat: 503 for 5m\nno longer tried",
            "dryRun": false,
            "triggeredBy": "schedule",
            "createTime": "2026-11-22T19:00:00Z",
            "startTime": "2026-11-22T19:00:00.1Z",
            "endTime": "2026-11-22T19:07:30.6Z",
            "owner": null,
            "takeovers": 1,
            "restartOf": "01931f0e-7c5a-7000-8000-0123456789a9",
            "progress": {
                "read": 1_234_567, "written": 1_234_000, "skipped": 5, "total": 2_000_000,
                "itemsPerSecond": 2743.4, "etaSeconds": null,
            },
            "steps": [step("write:2026-01", "COMPLETED", 1_234_567), step("drop", "FAILED", 0)],
            "summary": { "parts": 12, "rows": 1_234_000 },
        }))
        .unwrap()
    }

    /// The same while it ran.
    pub(in crate::command::batch) fn running() -> Execution {
        let mut execution = failed();
        execution.status = ExecutionStatus::Started;
        execution.exit_code = "UNKNOWN".to_owned();
        execution.exit_message = None;
        execution.end_time = None;
        execution.owner = Some("batch-2/a".to_owned());
        execution.progress.eta_seconds = Some(280);
        execution.steps[0].status = ExecutionStatus::Started;
        execution.steps.truncate(1);
        execution
    }

    fn step(name: &str, status: &str, read: i64) -> serde_json::Value {
        serde_json::json!({
            "name": name, "status": status, "read": read, "filtered": 562, "written": read, "skipped": 5,
            "commits": 321, "rollbacks": 2, "total": 2_000_000, "itemsPerSecond": 2743.4,
            "startTime": "2026-11-22T19:00:00.1Z", "endTime": null, "exitMessage": null,
        })
    }

    #[test]
    fn an_execution_is_shown_with_its_steps() {
        insta::assert_snapshot!("failed", text(&failed(), &TimeZone::UTC));
        insta::assert_snapshot!("running", text(&running(), &TimeZone::UTC));
    }

    #[test]
    fn executions_are_a_line_each() {
        insta::assert_snapshot!(lines_of(&table(&[running(), failed()], &TimeZone::UTC)));
    }

    #[test]
    fn the_exit_code_is_what_became_of_the_job() {
        let ended = |status, exit_code: &str| {
            exit_status(&Execution { status, exit_code: exit_code.to_owned(), ..failed() })
        };
        let completed = ExecutionStatus::Completed;
        assert_eq!(ended(completed, "COMPLETED"), ExitStatus::Success);
        assert_eq!(ended(completed, "COMPLETED_WITH_SKIPS"), ExitStatus::Success);
        assert_eq!(ended(completed, "COMPLETED_WITH_DIFFERENCES"), ExitStatus::AssertionFailed);
        for status in [ExecutionStatus::Failed, ExecutionStatus::Stopped, ExecutionStatus::Abandoned] {
            assert_eq!(ended(status, status.as_str()), ExitStatus::Failure, "{status}");
        }
        assert_eq!(ended(ExecutionStatus::Unknown, "COMPLETED_WITH_DIFFERENCES"), ExitStatus::Failure);
    }
}
