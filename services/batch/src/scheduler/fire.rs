//! What is done about one job whose time has come, in one transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use contract::batch::{Concurrency, FireOutcome, ParameterValue};
use contract::id::ExecutionId;
use metrics::counter;
use sqlx::PgConnection;
use tracing::{debug, error, info, warn};

use crate::domain::parameter;
use crate::domain::schedule::{Schedule, outcome, plan};
use crate::engine::Job;
use crate::repository::execution::{self, Start, StartError};
use crate::repository::fire as fires;
use crate::repository::fire::Fire;
use crate::repository::job::{self, Row};

/// Who began an execution that nobody asked for.
const SCHEDULE: &str = "schedule";
/// Counts slots, by job and by what became of them.
const SLOTS: &str = "batch_schedule_slots_total";

/// What became of the slots of a job.
#[derive(Debug, Default)]
pub(super) struct Fired {
    pub(super) started: usize,
    forbidden: usize,
    missed: usize,
    /// There were still more missed than are recorded.
    more_missed: bool,
    /// The next slot has passed as well.
    pub(super) more: bool,
}

impl Fired {
    /// After the commit.
    pub(super) fn tell(&self, job: &'static str) {
        let Self { started, forbidden, missed, more_missed, more: _ } = *self;
        for (outcome, count) in [
            (FireOutcome::Fired, started),
            (FireOutcome::Forbidden, forbidden),
            (FireOutcome::Missed, missed),
        ] {
            counter!(SLOTS, "job" => job, "outcome" => outcome.as_str()).increment(count as u64);
        }
        if missed > 0 {
            let more = if more_missed { ", the newest of many" } else { "" };
            warn!(job, started, missed, "{job}: {missed} slots were missed{more}; {started} fired");
        }
        if forbidden > 0 {
            info!(job, started, forbidden, "{job}: {forbidden} slots passed while an execution runs");
        }
        if started > 0 {
            debug!(job, started, "{job}: {started} slots fired");
        }
    }
}

/// Decides about the slots that have passed, and begins what is to begin; none when nothing is due any more, or another
/// instance is at it.
pub(super) async fn fire(db: &mut PgConnection, job: &Job) -> Result<Option<Fired>, sqlx::Error> {
    let Some(row) = job::lock_due(db, job.name).await? else { return Ok(None) };
    let Some((schedule, first)) = readable(&row) else {
        job::set_next(db, job.name, None).await?;
        return Ok(Some(Fired::default()));
    };
    let plan = plan(&schedule, row.misfire, first, row.now);
    let missed = fires::take(db, job.name, &plan.missed, FireOutcome::Missed).await?.len();
    let slots = fires::take(db, job.name, &plan.fire, FireOutcome::Fired).await?;
    let concluded = begin(db, job, row.concurrency, &slots).await?;
    fires::conclude(db, job.name, &concluded).await?;
    job::set_next(db, job.name, plan.next).await?;
    let of = |outcome| concluded.iter().filter(|fire| fire.outcome == outcome).count();
    Ok(Some(Fired {
        started: of(FireOutcome::Fired),
        forbidden: of(FireOutcome::Forbidden),
        missed: missed + of(FireOutcome::Missed),
        more_missed: plan.more_missed,
        more: plan.next.is_some_and(|next| next <= row.now),
    }))
}

/// The API lets no other in, but people reach the database by other ways.
fn readable(row: &Row) -> Option<(Schedule, DateTime<Utc>)> {
    let (cron, first) = (row.cron.as_ref()?, row.next_fire_at?);
    match Schedule::new(cron, &row.zone) {
        Ok(schedule) => Some((schedule, first)),
        Err(error) => {
            error!(job = row.name, "{} does not run by itself any more: {error}", row.name);
            None
        }
    }
}

/// What becomes of each slot. Those that have an execution have it by now.
async fn begin(
    db: &mut PgConnection,
    job: &Job,
    concurrency: Concurrency,
    slots: &[DateTime<Utc>],
) -> Result<Vec<Fire>, sqlx::Error> {
    let Ok(defaults) = parameter::resolve(job, &BTreeMap::new()) else {
        error!(job = job.name, "{} cannot run by itself: it needs parameters", job.name);
        let missed =
            |slot: &DateTime<Utc>| Fire { slot: *slot, outcome: FireOutcome::Missed, execution: None };
        return Ok(slots.iter().map(missed).collect());
    };
    let mut running = fires::running(db, job.name).await?;
    let mut concluded = Vec::with_capacity(slots.len());
    for &slot in slots {
        let outcome = outcome(concurrency, !running.is_empty());
        let mut execution = None;
        if outcome == FireOutcome::Fired {
            if concurrency == Concurrency::Replace {
                // Who runs ends at its next commit: until then there are two.
                for old in running.drain(..) {
                    execution::stop(db, old).await?;
                }
            }
            let started = start(db, job, &defaults, slot).await?;
            running.push(started);
            execution = Some(started);
        }
        concluded.push(Fire { slot, outcome, execution });
    }
    Ok(concluded)
}

async fn start(
    db: &mut PgConnection,
    job: &Job,
    defaults: &[ParameterValue],
    slot: DateTime<Utc>,
) -> Result<ExecutionId, sqlx::Error> {
    let mut parameters = defaults.to_vec();
    parameters.push(parameter::own(parameter::SLOT, slot.to_rfc3339_opts(SecondsFormat::Secs, true)));
    let start =
        Start { job: job.name, parameters: &parameters, dry_run: false, triggered_by: SCHEDULE, as_of: slot };
    match execution::start(db, &start).await {
        Ok(id) => Ok(id),
        Err(StartError::Database(error)) => Err(error),
        // The clock went back further than fires are kept, or somebody triggered just this.
        Err(StartError::Running(id) | StartError::Complete(id) | StartError::Unknown(id)) => {
            warn!(job = job.name, execution.id = %id, "{}: {slot} has been run by {id}", job.name);
            Ok(id)
        }
    }
}
