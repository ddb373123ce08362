//! `doran batch schedule`: when a job runs by itself.

use comfy_table::{Table, presets};
use contract::batch::{JobSchedule, PutSchedule, ScheduleFire, path};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::args::{ConcurrencyChoice, MisfireChoice, ScheduleArgs};
use super::item::{lines_of, moment};
use super::service::{Batch, classified};
use super::show;
use crate::command::cell::time;
use crate::error::ExitStatus;
use crate::operator::LIMIT;
use crate::output::Printer;

/// Passed times that are shown.
const LAST: u32 = 5;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    items: [Item<'a>; 1],
}

#[derive(Serialize)]
struct Item<'a> {
    job: &'a str,
    #[serde(flatten)]
    schedule: &'a JobSchedule,
    /// Passed times, the newest first.
    fires: &'a [ScheduleFire],
}

#[derive(Serialize)]
struct Query {
    size: u32,
}

pub(super) async fn run(batch: &Batch<'_>, args: &ScheduleArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let job = batch.job(&args.job).await?;
    let schedule = match change(args) {
        Some(change) => batch.service.put(&path::schedule(&job.name), &change).await.map_err(classified)?,
        None => job.schedule,
    };
    let fires: Vec<ScheduleFire> =
        batch.service.get(&path::fires(&job.name), &Query { size: LAST }, LIMIT).await?;
    if out.is_document() {
        let items = [Item { job: &job.name, schedule: &schedule, fires: &fires }];
        out.document(&Document { schema: "doran.batch-schedule/1", items })?;
    } else {
        out.line(text(&job.name, &schedule, &fires, &TimeZone::system()))?;
    }
    Ok(ExitStatus::Success)
}

/// None when nothing is to change.
fn change(args: &ScheduleArgs) -> Option<PutSchedule> {
    let ScheduleArgs { job: _, cron, zone, enable, disable, misfire, concurrency } = args;
    let enabled = (*enable || *disable).then_some(*enable);
    if cron.is_none() && zone.is_none() && enabled.is_none() && misfire.is_none() && concurrency.is_none() {
        return None;
    }
    Some(PutSchedule {
        cron: cron.clone(),
        zone: zone.clone(),
        enabled,
        misfire: misfire.map(MisfireChoice::word),
        concurrency: concurrency.map(ConcurrencyChoice::word),
    })
}

fn text(job: &str, schedule: &JobSchedule, fires: &[ScheduleFire], zone: &TimeZone) -> String {
    let enabled = if schedule.enabled { "yes" } else { "no" };
    let mut text = format!("job         {job}\nenabled     {enabled}\n{}", show::schedule(schedule, zone));
    if !fires.is_empty() {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(["TIME", "OUTCOME", "SEEN", "EXECUTION"]);
        for fire in fires {
            table.add_row([
                moment(time(fire.slot.timestamp_micros()), zone),
                fire.outcome.to_string(),
                moment(time(fire.fired_at.timestamp_micros()), zone),
                fire.execution_id.map(|id| id.to_string()).unwrap_or_default(),
            ]);
        }
        text.extend(["\n\n", &lines_of(&table)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use contract::batch::{Concurrency, FireOutcome, Misfire};

    use super::*;
    use crate::command::batch::list::tests::archiving;

    fn unchanged() -> ScheduleArgs {
        ScheduleArgs {
            job: "daily-report".to_owned(),
            cron: None,
            zone: None,
            enable: false,
            disable: false,
            misfire: None,
            concurrency: None,
        }
    }

    #[test]
    fn only_what_is_said_is_changed() {
        let json = |args: ScheduleArgs| change(&args).map(|change| serde_json::to_string(&change).unwrap());
        assert_eq!(json(unchanged()), None);
        let args = ScheduleArgs { disable: true, ..unchanged() };
        assert_eq!(json(args).as_deref(), Some(r#"{"enabled":false}"#));
        let args = ScheduleArgs { enable: true, cron: Some("0 9 * * *".to_owned()), ..unchanged() };
        assert_eq!(json(args).as_deref(), Some(r#"{"cron":"0 9 * * *","enabled":true}"#));
        let args = ScheduleArgs {
            misfire: Some(MisfireChoice::RunAll),
            concurrency: Some(ConcurrencyChoice::Replace),
            ..unchanged()
        };
        let change = change(&args).unwrap();
        assert_eq!((change.misfire, change.concurrency), (Some(Misfire::RunAll), Some(Concurrency::Replace)));
        assert_eq!(change.enabled, None);
    }

    #[test]
    fn a_schedule_is_shown_with_what_became_of_its_last_times() {
        let fire = |slot: &str, outcome, execution: Option<&str>| ScheduleFire {
            slot: slot.parse().unwrap(),
            outcome,
            fired_at: "2026-11-22T19:00:00.2Z".parse().unwrap(),
            execution_id: execution.map(|id| id.parse().unwrap()),
        };
        let id = "01931f0e-7c5a-7000-8000-0123456789aa";
        let fires = [
            fire("2026-11-22T19:00:00Z", FireOutcome::Fired, Some(id)),
            fire("2026-11-21T19:00:00Z", FireOutcome::Missed, None),
        ];
        let seoul = TimeZone::get("Asia/Seoul").unwrap();
        insta::assert_snapshot!(text("message-archiving", &archiving().schedule, &fires, &seoul));
    }
}
