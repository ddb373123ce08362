//! `doran batch show`: a job, its parameters, its schedule and its last executions.

use comfy_table::{Table, presets};
use contract::batch::{Execution, Job, JobParameter, JobSchedule};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::execution;
use super::item::lines_of;
use super::list::next;
use super::service::{Batch, Wanted};
use crate::error::ExitStatus;
use crate::output::Printer;

/// Executions shown.
const LAST: u32 = 5;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    items: [Item<'a>; 1],
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    job: &'a Job,
    executions: &'a [Execution],
}

pub(super) async fn run(batch: &Batch<'_>, name: &str, out: &Printer) -> anyhow::Result<ExitStatus> {
    let job = batch.job(name).await?;
    let (executions, _) = batch.executions(Wanted { job: Some(name), ..Wanted::default() }, LAST).await?;
    if out.is_document() {
        let items = [Item { job: &job, executions: &executions }];
        out.document(&Document { schema: "doran.batch-job/1", items })?;
    } else {
        out.line(text(&job, &executions, &TimeZone::system()))?;
    }
    Ok(ExitStatus::Success)
}

fn text(job: &Job, executions: &[Execution], zone: &TimeZone) -> String {
    let mut parts = vec![format!("job         {}\nwhat        {}", job.name, job.description)];
    parts.push(schedule(&job.schedule, zone));
    if job.parameters.is_empty() {
        parts.push("parameters  none".to_owned());
    }
    let mut text = parts.join("\n");
    let mut tables = Vec::new();
    if !job.parameters.is_empty() {
        tables.push(parameters(&job.parameters));
    }
    if !executions.is_empty() {
        tables.push(execution::table(executions, zone));
    }
    for table in &tables {
        text.extend(["\n\n", &lines_of(table)]);
    }
    text
}

pub(super) fn schedule(schedule: &JobSchedule, zone: &TimeZone) -> String {
    let when = match &schedule.cron {
        Some(cron) => format!("{cron} in {}", schedule.zone),
        None => "by hand".to_owned(),
    };
    format!(
        "cron        {when}\nnext        {}\nmisfire     {}\nconcurrency {}",
        next(schedule, zone),
        schedule.misfire,
        schedule.concurrency
    )
}

fn parameters(parameters: &[JobParameter]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["PARAMETER", "TYPE", "DEFAULT", "IDENTIFYING", "WHAT"]);
    for parameter in parameters {
        let default = parameter.default.clone();
        let missing = if parameter.required { "required" } else { "" };
        table.add_row([
            parameter.name.clone(),
            parameter.kind.to_string(),
            default.unwrap_or_else(|| missing.to_owned()),
            if parameter.identifying { "yes" } else { "no" }.to_owned(),
            parameter.description.clone(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::batch::execution::tests::failed;
    use crate::command::batch::list::tests::archiving;

    #[test]
    fn a_job_is_shown_with_all_that_is_needed_to_run_it() {
        insta::assert_snapshot!(text(&archiving(), &[failed()], &TimeZone::UTC));
    }

    #[test]
    fn a_job_without_parameters_and_executions_is_short() {
        let job = Job { parameters: vec![], ..archiving() };
        let text = text(&job, &[], &TimeZone::UTC);
        assert!(text.ends_with("parameters  none"), "{text}");
    }
}
