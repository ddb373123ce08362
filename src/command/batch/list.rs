//! `doran batch list`: the jobs.

use comfy_table::{Table, presets};
use contract::batch::{Execution, Job, JobSchedule};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::item::{self, lines_of, moment};
use super::service::Batch;
use crate::command::cell::{day_and_time, time};
use crate::error::ExitStatus;
use crate::output::Printer;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    items: &'a [Job],
}

pub(super) async fn run(batch: &Batch<'_>, out: &Printer) -> anyhow::Result<ExitStatus> {
    let jobs = batch.jobs().await?;
    if out.is_document() {
        out.document(&Document { schema: "doran.batch-jobs/1", items: &jobs })?;
    } else {
        out.line(lines_of(&table(&jobs, &TimeZone::system())))?;
    }
    Ok(ExitStatus::Success)
}

fn table(jobs: &[Job], zone: &TimeZone) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["JOB", "CRON", "ZONE", "NEXT", "LAST", "STATUS"]);
    for job in jobs {
        let last = job.last_execution.as_ref();
        let begun = |last: &Execution| day_and_time(time(last.create_time.timestamp_micros()), zone);
        table.add_row([
            job.name.clone(),
            job.schedule.cron.clone().unwrap_or_else(|| "by hand".to_owned()),
            job.schedule.zone.clone(),
            next(&job.schedule, zone),
            last.map(begun).unwrap_or_default(),
            last.map_or_else(|| "never ran".to_owned(), |last| item::status(last.status)),
        ]);
    }
    table
}

/// In the zone of the reader.
pub(super) fn next(schedule: &JobSchedule, zone: &TimeZone) -> String {
    match schedule.next_fire_time {
        Some(next) => moment(time(next.timestamp_micros()), zone),
        None if schedule.enabled => "never".to_owned(),
        None => "disabled".to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use contract::batch::{Concurrency, JobParameter, Misfire, ParameterType};

    use super::*;
    use crate::command::batch::execution::tests::failed;

    pub(in crate::command::batch) fn archiving() -> Job {
        Job {
            name: "message-archiving".to_owned(),
            description: "Moves messages out of the database.".to_owned(),
            schedule: JobSchedule {
                cron: Some("0 4 * * *".to_owned()),
                zone: "Asia/Seoul".to_owned(),
                enabled: true,
                misfire: Misfire::RunOnce,
                concurrency: Concurrency::Forbid,
                next_fire_time: Some("2026-11-23T19:00:00Z".parse().unwrap()),
            },
            parameters: vec![
                parameter("month", "The month to move, YYYY-MM.", None),
                parameter("delete", "Whether they are deleted then.", Some("true")),
            ],
            last_execution: Some(failed()),
        }
    }

    fn parameter(name: &str, description: &str, default: Option<&str>) -> JobParameter {
        JobParameter {
            name: name.to_owned(),
            description: description.to_owned(),
            kind: if default.is_some() { ParameterType::Boolean } else { ParameterType::String },
            default: default.map(str::to_owned),
            required: default.is_none(),
            identifying: default.is_none(),
        }
    }

    #[test]
    fn a_job_is_a_line_with_its_next_and_its_last_run() {
        let mut by_hand = Job { name: "by-hand".to_owned(), last_execution: None, ..archiving() };
        by_hand.schedule.cron = None;
        by_hand.schedule.next_fire_time = None;
        let mut disabled = Job { name: "disabled".to_owned(), ..by_hand.clone() };
        disabled.schedule.enabled = false;
        let seoul = TimeZone::get("Asia/Seoul").unwrap();
        insta::assert_snapshot!(lines_of(&table(&[archiving(), by_hand, disabled], &seoul)));
    }
}
