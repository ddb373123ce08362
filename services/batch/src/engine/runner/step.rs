//! One step: its parts are planned once, and worked on a few at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use contract::batch::ExecutionStatus;
use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;
use tokio::time::sleep;

use super::attempt::{Subject, attempt};
use super::drive::{Drive, Halt};
use super::part;
use super::settle::settle;
use crate::engine::Step;
use crate::engine::point::{self, Point};
use crate::engine::work::{Part, Run};
use crate::repository::step as row;

/// The longest name of a part.
const NAME: usize = 60;

/// A step that is worked on.
pub(super) struct Stage<'a> {
    pub(super) drive: &'a Drive,
    pub(super) step: &'a Step,
    pub(super) run: Run,
    /// A part has failed: the others end at their next commit.
    pub(super) halted: watch::Sender<bool>,
}

/// Does what is left of the step.
pub(super) async fn run(drive: &Drive, step: &Step, position: i32, run: Run) -> Result<(), Halt> {
    let stage = Stage { drive, step, run, halted: watch::channel(false).0 };
    let rows = match stage.rows().await? {
        rows if rows.is_empty() => {
            stage.plan(position).await?;
            stage.rows().await?
        }
        rows => rows,
    };
    let left: Vec<_> = rows.into_iter().filter(|row| row.status != ExecutionStatus::Completed).collect();
    if left.is_empty() {
        return Ok(());
    }
    stage.work(left).await?;
    point::reached(Point::StepDone, stage.run.execution, step.name);
    Ok(())
}

impl Stage<'_> {
    /// Asked before every chunk.
    pub(super) fn may_go_on(&self) -> Result<(), Halt> {
        self.drive.may_go_on()?;
        if *self.halted.borrow() { Err(Halt::Stopped) } else { Ok(()) }
    }

    /// Waits, unless something ends the work meanwhile.
    pub(super) async fn rest(&self, pause: Duration) -> Result<(), Halt> {
        let mut halted = self.halted.subscribe();
        tokio::select! {
            () = sleep(pause) => {}
            () = self.drive.tenure.stop_asked() => {}
            () = self.drive.inner.drain.begun() => {}
            // The sender is ours, so there is no error.
            _ = halted.wait_for(|halted| *halted) => {}
        }
        self.may_go_on()
    }

    /// The step's own rows among those of the execution.
    async fn rows(&self) -> Result<Vec<row::Row>, Halt> {
        let read = || async { Ok(row::all(&self.drive.inner.db, self.run.execution).await?) };
        let mut rows = settle("read the steps of an execution", read).await?;
        rows.retain(|row| row.name.split(':').next() == Some(self.step.name));
        Ok(rows)
    }

    async fn plan(&self, position: i32) -> Result<(), Halt> {
        let subject = Subject { name: self.step.name, row: None };
        let (parts, _) = attempt(self, subject, || self.step.work.parts(&self.run)).await?;
        check(&parts).map_err(|problem| subject.failed(&problem))?;
        point::reached(Point::Planned, self.run.execution, self.step.name);
        let rows: Vec<_> = parts.iter().map(|part| self.new_row(part)).collect();
        let (db, fence) = (&self.drive.inner.db, &self.drive.tenure.fence);
        let sizes = self.step.sizes;
        let size = sizes.first.clamp(sizes.least.max(1), sizes.most.max(1));
        let plan = row::Plan { step: self.step.name, position, size, parts: &rows };
        Ok(settle("plan a step", || row::plan(db, fence, &plan)).await?)
    }

    fn new_row(&self, part: &Part) -> row::NewRow {
        let step = self.step.name;
        let name = part.name.as_ref().map_or_else(|| step.to_owned(), |part| format!("{step}:{part}"));
        row::NewRow { name, total: part.total.map(|total| i64::try_from(total).unwrap_or(i64::MAX)) }
    }

    /// Parts that fail stop the others; the first to fail is what people are told.
    async fn work(&self, rows: Vec<row::Row>) -> Result<(), Halt> {
        let mut parts = stream::iter(rows.into_iter().map(|row| part::work(self, row)))
            .buffer_unordered(self.step.parallel.max(1));
        let mut outcome = Ok(());
        while let Some(ended) = parts.next().await {
            match ended {
                Err(Halt::Lost) => return Err(Halt::Lost),
                Err(Halt::Failed { .. }) => {
                    self.halted.send_replace(true);
                }
                Ok(()) | Err(Halt::Stopped | Halt::Draining) => {}
            }
            outcome = worse(outcome, ended);
        }
        outcome
    }
}

/// What the step comes to when its parts came to these.
fn worse(one: Result<(), Halt>, other: Result<(), Halt>) -> Result<(), Halt> {
    match (one, other) {
        (Err(Halt::Lost), _) | (_, Err(Halt::Lost)) => Err(Halt::Lost),
        (Err(Halt::Failed { message, mut parts }), Err(Halt::Failed { parts: more, .. })) => {
            parts.extend(more);
            Err(Halt::Failed { message, parts })
        }
        (failed @ Err(Halt::Failed { .. }), _) | (_, failed @ Err(Halt::Failed { .. })) => failed,
        (stopped @ Err(Halt::Stopped), _) | (_, stopped @ Err(Halt::Stopped)) => stopped,
        (draining @ Err(Halt::Draining), _) | (_, draining) => draining,
    }
}

/// Names of parts are part of keys and of what people read.
fn check(parts: &[Part]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for part in parts {
        let name = part.name.as_deref();
        let valid = name.is_none_or(|name| {
            (1..=NAME).contains(&name.len())
                && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        });
        if !valid || !names.insert(name) || (name.is_none() && parts.len() > 1) {
            return Err(format!("a part is called {name:?}"));
        }
    }
    Ok(())
}
