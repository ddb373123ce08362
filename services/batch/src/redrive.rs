//! Second chances for skipped items. Whoever tries one holds it for longer than trying takes, so that two requests at
//! once never try the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chassis::db;
use contract::batch::{LogLevel, Redriven};
use contract::id::ExecutionId;
use sqlx::PgPool;
use tokio::time::{Instant, timeout};
use tracing::debug;

use crate::engine::work::Run;
use crate::engine::{Job, Registry, Step};
use crate::error::{Error, Wish};
use crate::repository::log::{self, Line};
use crate::repository::skipped::{self, Held, Origin};

/// No further item is begun behind this: a request ends within 10 s.
const BEGIN: Duration = Duration::from_secs(4);
const ITEM: Duration = Duration::from_secs(5);
/// Longer than [`ITEM`], and what follows it, takes.
const HOLD_SECS: f64 = 30.0;
/// Of one request.
const MOST: i64 = 1000;
/// Characters of an error that are kept.
const LONGEST: usize = 2000;

/// Tries the skipped items of an execution again, each at most once, and notes who wanted it.
///
/// # Errors
/// When there is no such execution or it runs, its job is gone, or the database does not answer.
pub async fn redrive(
    pool: &PgPool,
    jobs: &Registry,
    execution: ExecutionId,
    by: &str,
) -> Result<Redriven, Error> {
    let begun = Instant::now();
    let mut tx = db::begin(pool).await?;
    let origin = skipped::origin(&mut tx, execution).await?.ok_or(Error::ExecutionNotFound)?;
    tx.commit().await?;
    if origin.status.is_running() {
        return Err(Error::Refused { wish: Wish::Redrive, status: origin.status });
    }
    let job = jobs.get(&origin.job).ok_or(Error::JobNotFound)?;
    let since = origin.now;
    let runs = Runs::new(execution, job, origin);
    let mut done = Redriven { redriven: 0, failed: 0, remaining: 0 };
    while begun.elapsed() < BEGIN && done.redriven + done.failed < MOST {
        let mut tx = db::begin(pool).await?;
        let held = skipped::hold(&mut tx, execution, since, HOLD_SECS).await?;
        tx.commit().await?;
        let Some(held) = held else { break };
        let outcome = runs.redrive(&held).await;
        let mut tx = db::begin(pool).await?;
        match outcome {
            Ok(()) => {
                skipped::redriven(&mut tx, held.id).await?;
                done.redriven += 1;
            }
            Err(error) => {
                debug!(execution.id = %execution, item = held.id, error, "a skipped item failed again");
                skipped::failed(&mut tx, held.id, &error.chars().take(LONGEST).collect::<String>()).await?;
                done.failed += 1;
            }
        }
        tx.commit().await?;
    }
    let mut tx = db::begin(pool).await?;
    done.remaining = skipped::remaining(&mut tx, execution, since).await?;
    let Redriven { redriven, failed, .. } = done;
    if redriven + failed > 0 {
        let message = format!("{by} had skipped items tried again: {redriven} worked, {failed} failed");
        let line = Line { step: None, level: LogLevel::Info, message: &message };
        log::write(&mut tx, execution, &line).await?;
    }
    tx.commit().await?;
    Ok(done)
}

/// The steps of the execution, and what they are told.
struct Runs<'a> {
    job: &'a Job,
    /// Of any step.
    run: Run,
}

impl<'a> Runs<'a> {
    fn new(execution: ExecutionId, job: &'a Job, origin: Origin) -> Self {
        let parameters: BTreeMap<_, _> =
            origin.parameters.0.into_iter().map(|parameter| (parameter.name.clone(), parameter)).collect();
        let run = Run {
            execution,
            instance: origin.instance,
            job: job.name,
            step: "",
            parameters: Arc::new(parameters),
            as_of: origin.as_of,
            dry_run: origin.dry_run,
            summary: Arc::new(origin.summary.0),
        };
        Self { job, run }
    }

    /// # Errors
    /// Why it failed again, for people.
    async fn redrive(&self, held: &Held) -> Result<(), String> {
        let step = self.step(&held.step).ok_or("the job has no such step any more")?;
        let item = held.item.as_ref().ok_or("nothing was kept of it to try again with")?;
        let run = Run { step: step.name, ..self.run.clone() };
        match timeout(ITEM, step.work.redrive(&run, item)).await {
            Ok(outcome) => outcome.map_err(|fault| fault.to_string()),
            Err(_elapsed) => Err(format!("it took longer than {} s", ITEM.as_secs())),
        }
    }

    /// The step, by its name or that of one of its parts.
    fn step(&self, name: &str) -> Option<&Step> {
        let name = name.split_once(':').map_or(name, |(step, _part)| step);
        self.job.steps.iter().find(|step| step.name == name)
    }
}
