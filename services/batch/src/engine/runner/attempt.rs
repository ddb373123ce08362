//! Doing what may fail: again and again, with growing pauses, until patience ends.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use contract::batch::LogLevel;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;
use uuid::Uuid;

use super::drive::{Halt, bounded};
use super::step::Stage;
use crate::domain::retry::{self, Failing};
use crate::engine::fault::Fault;
use crate::repository::fence::FenceError;
use crate::repository::log::{self, Line};

/// A chunk that is not done so long before the drain is over is dropped, so that there is time to give the execution back.
/// Whoever goes on does the same chunk, under the same key.
const FAREWELL: Duration = Duration::from_secs(1);

/// The most that one attempt takes: a report of 10,000 rows and its two files, and some. Whatever hangs for longer would
/// keep its lease for ever.
const LONGEST: Duration = Duration::from_mins(5);

/// What is attempted, for the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// `<step>` or `<step>:<part>`.
    pub(super) name: &'a str,
    /// None while the step is planned.
    pub(super) row: Option<Uuid>,
}

impl Subject<'_> {
    pub(super) fn failed(self, why: &str) -> Halt {
        let parts = self.row.map(|row| (row, why.to_owned())).into_iter().collect();
        Halt::Failed { message: format!("{}: {why}", self.name), parts }
    }
}

/// The value, and how long the attempt took that gave it.
pub(super) async fn attempt<'a, T>(
    stage: &Stage<'_>,
    subject: Subject<'_>,
    work: impl Fn() -> BoxFuture<'a, Result<T, Fault>>,
) -> Result<(T, Duration), Halt> {
    let mut first_failure = None;
    let mut attempts = 0;
    loop {
        let began = Instant::now();
        let outcome = tokio::select! {
            outcome = timeout(LONGEST, caught(&work)) => outcome.unwrap_or_else(|_elapsed| Err(hung())),
            () = drained_soon(stage) => return Err(Halt::Draining),
        };
        let (source, retry_after) = match outcome {
            Ok(value) => return Ok((value, began.elapsed())),
            Err(Fault::Transient { source, retry_after }) => (source, retry_after),
            // An item that nobody has set apart concerns all of them.
            Err(Fault::Item { source } | Fault::Fatal { source }) => {
                return Err(subject.failed(&format!("{source:#}")));
            }
        };
        attempts += 1;
        let since = first_failure.get_or_insert_with(Instant::now).elapsed();
        let failing = Failing { attempts, since, patience: stage.drive.inner.settings.patience, retry_after };
        let Some(pause) = retry::pause(failing, &mut rand::rng()) else {
            let secs = since.as_secs();
            return Err(
                subject.failed(&format!("given up after {attempts} attempts in {secs} s: {source:#}"))
            );
        };
        tell(stage, subject, &format!("attempt {attempts} failed, the next in {pause:.1?}: {source:#}"))
            .await?;
        stage.rest(pause).await?;
    }
}

/// What panics in a job would panic in every process that takes it up: it fails the step instead.
async fn caught<'a, T>(work: &impl Fn() -> BoxFuture<'a, Result<T, Fault>>) -> Result<T, Fault> {
    let guarded = AssertUnwindSafe(async { work().await }).catch_unwind();
    guarded
        .await
        .unwrap_or_else(|panic| Err(Fault::fatal(anyhow::anyhow!("it panicked: {}", words(&*panic)))))
}

fn hung() -> Fault {
    Fault::transient(anyhow::anyhow!("it was not done after {} s", LONGEST.as_secs()))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}

async fn drained_soon(stage: &Stage<'_>) {
    let drain = &stage.drive.inner.drain;
    drain.begun().await;
    sleep(drain.limit().saturating_sub(FAREWELL)).await;
}

/// Counts and tells a failed attempt. A database that does not answer is no reason to give up the next one.
async fn tell(stage: &Stage<'_>, subject: Subject<'_>, message: &str) -> Result<(), Halt> {
    let drive = stage.drive;
    let message = bounded(message);
    let line = Line { step: Some(subject.name), level: LogLevel::Warn, message: &message };
    match log::retry(&drive.inner.db, &drive.tenure.fence, subject.row, &line).await {
        Ok(()) => {}
        Err(FenceError::Lost) => return Err(Halt::Lost),
        Err(FenceError::Database(error)) => {
            warn!(execution.id = %stage.run.execution, "a failed attempt is not in the execution's log: {error}");
        }
    }
    warn!(execution.id = %stage.run.execution, "{} of {}: {message}", subject.name, stage.run.job);
    Ok(())
}
