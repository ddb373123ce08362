//! Driving one execution: its steps in their order, and its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use chassis::db;
use chassis::shutdown::Hold;
use contract::batch::{ExecutionStatus, ParameterValue};
use metrics::counter;
use sqlx::types::Json;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::settle::{Unwritten, settle};
use super::tenure::Tenure;
use super::{Inner, step};
use crate::engine::point::{self, Point};
use crate::engine::work::Run;
use crate::engine::{Job, Step};
use crate::repository::claim::{self, Claimed};
use crate::repository::end::{self, Ending};
use crate::repository::fence::FenceError;
use crate::repository::step as row;

/// Executions that have ended here, by job and status.
const ENDED: &str = "batch_executions_ended_total";
/// Of an exit message, in characters.
const MESSAGE: usize = 2500;

/// Why an execution does not go on here.
#[derive(Debug)]
pub(super) enum Halt {
    /// Somebody asked for it.
    Stopped,
    /// This process is to end.
    Draining,
    /// For good, and which parts are to blame.
    Failed { message: String, parts: Vec<(Uuid, String)> },
    /// Another has it.
    Lost,
}

impl Halt {
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), parts: Vec::new() }
    }
}

impl From<Unwritten> for Halt {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Lost => Self::Lost,
            Unwritten::Refused(error) => {
                Self::failed(format!("batch_db refused what was to be written: {error}"))
            }
        }
    }
}

/// An execution that is driven, for as long as it is.
pub(super) struct Drive {
    pub(super) inner: Arc<Inner>,
    pub(super) tenure: Arc<Tenure>,
    claimed: Claimed,
    parameters: Arc<BTreeMap<String, ParameterValue>>,
    /// The service stops when the chunk at hand is done.
    _hold: Hold,
}

impl Drop for Drive {
    fn drop(&mut self) {
        self.inner.tenures.end(&self.tenure);
        // There is room for another.
        self.inner.due.notify_one();
    }
}

/// Drives it in a task of its own.
pub(super) fn start(inner: &Arc<Inner>, tenure: Arc<Tenure>, mut claimed: Claimed) {
    let Json(parameters) = std::mem::take(&mut claimed.parameters);
    let parameters = parameters.into_iter().map(|parameter| (parameter.name.clone(), parameter)).collect();
    let drive = Drive {
        inner: inner.clone(),
        tenure,
        claimed,
        parameters: Arc::new(parameters),
        _hold: inner.drain.hold(),
    };
    inner.tasks.spawn("batch-execution", drive.drive());
}

impl Drive {
    async fn drive(self) {
        point::reached(Point::Claimed, self.claimed.id, "");
        let lost = tokio::select! {
            // A lease that is over forbids the rest, even if the rest could go on at once.
            biased;
            () = self.tenure.lost() => true,
            outcome = self.run() => matches!(outcome, Err(Unwritten::Lost)),
        };
        if lost {
            let (id, job) = (self.claimed.id, &self.claimed.job);
            warn!(execution.id = %id, job, "an execution of {job} is another's now; what was under way here is dropped");
            point::reached(Point::Lost, id, "");
        }
    }

    async fn run(&self) -> Result<(), Unwritten> {
        match self.steps().await {
            Ok(()) => self.end(ExecutionStatus::Completed, None, &[]).await,
            Err(Halt::Stopped) => self.end(ExecutionStatus::Stopped, None, &[]).await,
            Err(Halt::Failed { message, parts }) => {
                let message = bounded(&message);
                let parts: Vec<_> = parts.into_iter().map(|(row, why)| (row, bounded(&why))).collect();
                self.end(ExecutionStatus::Failed, Some(&message), &parts).await
            }
            Err(Halt::Draining) => self.release().await,
            Err(Halt::Lost) => Err(Unwritten::Lost),
        }
    }

    async fn steps(&self) -> Result<(), Halt> {
        let Some(job) = self.inner.jobs.get(&self.claimed.job) else {
            return Err(Halt::failed("this version of the service has no such job"));
        };
        for (position, step) in job.steps.iter().enumerate() {
            self.may_go_on()?;
            let position = i32::try_from(position).unwrap_or(i32::MAX);
            step::run(self, step, position, self.run_of(job, step).await?).await?;
        }
        Ok(())
    }

    async fn run_of(&self, job: &Job, step: &Step) -> Result<Run, Halt> {
        let read = || async { Ok(row::summary(&self.inner.db, self.claimed.id).await?) };
        let summary = settle("read a summary", read).await?;
        Ok(Run {
            execution: self.claimed.id,
            instance: self.claimed.instance,
            job: job.name,
            step: step.name,
            parameters: self.parameters.clone(),
            as_of: self.claimed.as_of,
            dry_run: self.claimed.dry_run,
            summary: Arc::new(summary),
        })
    }

    /// Asked before every chunk.
    pub(super) fn may_go_on(&self) -> Result<(), Halt> {
        if self.tenure.is_stop_asked() {
            return Err(Halt::Stopped);
        }
        if self.inner.drain.is_begun() {
            return Err(Halt::Draining);
        }
        Ok(())
    }

    async fn end(
        &self,
        status: ExecutionStatus,
        message: Option<&str>,
        failed: &[(Uuid, String)],
    ) -> Result<(), Unwritten> {
        let ending = Ending { status, message, failed };
        let (id, job) = (self.claimed.id, &self.claimed.job);
        let exit_code = settle("end an execution", || self.try_end(&ending)).await.inspect_err(|unwritten| {
            if let Unwritten::Refused(error) = unwritten {
                error!(execution.id = %id, job, "the end of an execution of {job} cannot be written: {error}");
            }
        })?;
        point::reached(Point::Ended, id, "");
        counter!(ENDED, "job" => job.clone(), "status" => status.as_str()).increment(1);
        if let Some(why) = message {
            warn!(execution.id = %id, job, "an execution of {job} ended {exit_code}: {why}");
        } else {
            info!(execution.id = %id, job, "an execution of {job} ended {exit_code}");
        }
        Ok(())
    }

    async fn try_end(&self, ending: &Ending<'_>) -> Result<String, FenceError> {
        let mut tx = db::transaction(&self.inner.db).await?;
        let exit_code = end::end(&mut tx, &self.tenure.fence, ending).await?;
        point::reached(Point::Ending, self.claimed.id, "");
        tx.commit().await?;
        Ok(exit_code)
    }

    async fn release(&self) -> Result<(), Unwritten> {
        let give = || async { Ok(claim::release(&self.inner.db, &self.tenure.fence).await?) };
        if !settle("give an execution back", give).await? {
            return Err(Unwritten::Lost);
        }
        let (id, job) = (self.claimed.id, &self.claimed.job);
        info!(execution.id = %id, job, "gave an execution of {job} back, because this process stops");
        Ok(())
    }
}

/// As long as an exit message may be, and without what PostgreSQL cannot store.
pub(super) fn bounded(message: &str) -> String {
    message.chars().filter(|char| *char != '\0').take(MESSAGE).collect()
}
