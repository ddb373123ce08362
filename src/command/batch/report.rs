//! `doran batch reports` and `report`: what jobs have found.

use std::io::Write as _;

use comfy_table::{Table, presets};
use contract::batch::{Report, ReportBody, ReportList, path};
use contract::id::ReportId;
use jiff::tz::TimeZone;
use reqwest::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::args::{ListArgs, ReportArgs};
use super::execution::align_right;
use super::item::{self, count, lines_of};
use super::service::{Batch, More, Wanted, helped, status_of};
use super::target::{LOOKED_AT, is_beginning, one};
use crate::command::cell::{day_and_time, time};
use crate::error::{CliError, ExitStatus};
use crate::operator::LIMIT;
use crate::output::Printer;
use crate::stack;

#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    items: &'a [T],
}

pub(super) async fn list(batch: &Batch<'_>, args: &ListArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let job = args.job.as_deref();
    if let Some(job) = job {
        batch.job(job).await?;
    }
    let (items, more) =
        batch.list::<ReportList>(path::REPORTS, Wanted { job, ..Wanted::default() }, args.limit).await?;
    if out.is_document() {
        out.document(&Document { schema: "doran.batch-reports/1", items: &items })?;
    } else if items.is_empty() {
        out.note("no reports");
    } else {
        out.line(lines_of(&table(&items, &TimeZone::system())))?;
    }
    if more == More::Yes {
        out.note(format_args!("and more: the newest {} are shown (-n)", items.len()));
    }
    Ok(ExitStatus::Success)
}

pub(super) async fn print(batch: &Batch<'_>, args: &ReportArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let id = find(batch, &args.report).await?;
    let path = path::report(id);
    if args.csv {
        let text = batch.service.text(&path, "text/csv").await.map_err(|error| unknown(error, id))?;
        out.out().write_all(text.as_bytes())?;
        return Ok(ExitStatus::Success);
    }
    let body: ReportBody = batch.service.get(&path, &(), LIMIT).await.map_err(|error| unknown(error, id))?;
    if out.is_document() {
        out.document(&Document { schema: "doran.batch-report/1", items: &[body] })?;
    } else {
        out.line(text(&body, &TimeZone::system()))?;
    }
    Ok(ExitStatus::Success)
}

async fn find(batch: &Batch<'_>, text: &str) -> anyhow::Result<ReportId> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let jobs = batch.jobs().await?;
    let wanted = jobs.iter().find(|job| job.name == text).map(|job| job.name.as_str());
    if wanted.is_none() && !is_beginning(text) {
        let error = CliError::new(ExitStatus::Usage, format!("`{text}` is no job, and no id of a report"));
        let names = jobs.iter().map(|job| job.name.as_str());
        return Err(helped(error, stack::suggestion(text, names)).into());
    }
    let choice = Wanted { job: wanted, id: wanted.is_none().then_some(text), ..Wanted::default() };
    let (reports, _) = batch.list::<ReportList>(path::REPORTS, choice, LOOKED_AT).await?;
    let found = match wanted {
        Some(_) => reports.into_iter().next(),
        None => one(reports, text, |report| report.id.to_string())?,
    };
    found.map(|report| report.id).ok_or_else(|| {
        let message = match wanted {
            Some(job) => format!("{job} has no report yet"),
            None => format!("no report has an id that begins with `{text}`"),
        };
        CliError::new(ExitStatus::Usage, message).help("`doran batch reports` lists them").into()
    })
}

fn unknown(error: anyhow::Error, id: ReportId) -> anyhow::Error {
    if status_of(&error) != Some(StatusCode::NOT_FOUND) {
        return error;
    }
    CliError::new(ExitStatus::Usage, format!("there is no report {id}"))
        .help("`doran batch reports` lists them")
        .into()
}

fn table(items: &[Report], zone: &TimeZone) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["ID", "JOB", "FROM", "TO", "ROWS", "CREATED", "SUMMARY"]);
    for report in items {
        table.add_row([
            report.id.to_string(),
            report.job.clone(),
            day_and_time(time(report.period_start.timestamp_micros()), zone),
            day_and_time(time(report.period_end.timestamp_micros()), zone),
            count(report.row_count),
            day_and_time(time(report.created_at.timestamp_micros()), zone),
            item::summary(&report.summary),
        ]);
    }
    align_right(&mut table, [4]);
    table
}

fn text(body: &ReportBody, zone: &TimeZone) -> String {
    let at = |moment: i64| day_and_time(time(moment), zone);
    let from = at(body.period_start.timestamp_micros());
    let to = at(body.period_end.timestamp_micros());
    let parameters = body.parameters.iter().map(|(name, value)| format!("{name}={value}"));
    let parameters = parameters.collect::<Vec<String>>().join(" ");
    let mut lines = vec![
        ("job", body.job.clone()),
        ("period", format!("{from} to {to}")),
        ("parameters", parameters),
        ("summary", item::summary(&body.summary)),
    ];
    lines.retain(|(_, value)| !value.is_empty());
    let lines: Vec<String> = lines.into_iter().map(|(key, value)| format!("{key:<10} {value}")).collect();
    let mut text = lines.join("\n");
    if !body.rows.is_empty() {
        text.extend(["\n\n", &lines_of(&rows(body))]);
    }
    if body.truncated {
        text.push_str("\n… and more rows than a report holds");
    }
    text
}

fn rows(body: &ReportBody) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(&body.columns);
    for row in &body.rows {
        table.add_row(body.columns.iter().map(|column| cell(&row[column])));
    }
    table
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> ReportBody {
        serde_json::from_value(serde_json::json!({
            "job": "order-expiry",
            "periodStart": "2026-11-22T03:00:00Z",
            "periodEnd": "2026-11-22T03:01:00Z",
            "parameters": { "slot": "2026-11-22T03:01:00Z" },
            "summary": { "expired": 2 },
            "columns": ["orderId", "amount", "note"],
            "rows": [
                { "orderId": "01931f0e", "amount": 2000, "note": null },
                { "orderId": "01931f0f", "amount": 1500, "note": "held twice" },
            ],
            "truncated": true,
        }))
        .unwrap()
    }

    #[test]
    fn a_report_is_shown_with_its_rows() {
        insta::assert_snapshot!(text(&body(), &TimeZone::UTC));
        let empty = ReportBody { rows: vec![], truncated: false, ..body() };
        assert!(text(&empty, &TimeZone::UTC).ends_with("summary    expired=2"));
    }

    #[test]
    fn reports_are_a_line_each() {
        let report = Report {
            id: "01931f0e-7c5a-7000-8000-0123456789aa".parse().unwrap(),
            job: "order-expiry".to_owned(),
            execution_id: None,
            dry_run: false,
            period_start: "2026-11-22T03:00:00Z".parse().unwrap(),
            period_end: "2026-11-22T03:01:00Z".parse().unwrap(),
            summary: body().summary,
            row_count: 2,
            created_at: "2026-11-22T03:01:02Z".parse().unwrap(),
        };
        insta::assert_snapshot!(lines_of(&table(&[report], &TimeZone::UTC)));
    }
}
