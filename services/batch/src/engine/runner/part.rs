//! One part of a step: chunk after chunk.

use std::time::Duration;

use tokio::time::Instant;

use super::attempt::{Subject, attempt};
use super::commit::{Done, commit};
use super::drive::Halt;
use super::settle::settle;
use super::step::Stage;
use crate::domain::pace::{self, Rate};
use crate::engine::point::{self, Point};
use crate::engine::work::{Chunk, Place};
use crate::repository::step::{self as row, Context, Row};

/// Does what is left of the part.
pub(super) async fn work(stage: &Stage<'_>, row: Row) -> Result<(), Halt> {
    stage.may_go_on()?;
    let (db, fence) = (&stage.drive.inner.db, &stage.drive.tenure.fence);
    settle("begin a part", || row::begin(db, fence, row.id)).await?;
    let subject = Subject { name: &row.name, row: Some(row.id) };
    let mut at = row.context.0.clone();
    let mut rate = Rate::known(row.items_per_second);
    let mut last_commit = Instant::now();
    loop {
        stage.may_go_on()?;
        stage.reached(Point::Begin);
        let preparing = prepare(stage, subject, &row, &mut at).await?;
        // Finding out may have taken as long as a chunk.
        stage.may_go_on()?;
        let place = place(stage, &row, &at);
        let (chunk, doing) = attempt(stage, subject, || stage.step.work.chunk(&place)).await?;
        let took = preparing + doing;
        stage.reached(Point::Written);
        rate = rate.after(items(&chunk), last_commit.elapsed());
        let next = Context {
            cursor: chunk.next.clone(),
            chunk: at.chunk + 1,
            size: pace::next_size(stage.step.sizes, at.size, items(&chunk), took),
            prepared: None,
        };
        commit(stage, subject, &Done { row: &row, at: &at, next: &next, chunk: &chunk, took, rate }).await?;
        last_commit = Instant::now();
        if chunk.next.is_none() {
            return Ok(());
        }
        at = next;
        if let Some(pause) = chunk.pause {
            stage.rest(pause).await?;
        }
    }
}

/// Finds out what the chunk is to work on, unless that is known, and says how long it took.
async fn prepare(
    stage: &Stage<'_>,
    subject: Subject<'_>,
    row: &Row,
    at: &mut Context,
) -> Result<Duration, Halt> {
    if at.prepared.is_some() {
        return Ok(Duration::ZERO);
    }
    let place = place(stage, row, at);
    let (prepared, took) = attempt(stage, subject, || stage.step.work.prepare(&place)).await?;
    if prepared.is_some() {
        at.prepared = prepared;
        let (db, fence) = (&stage.drive.inner.db, &stage.drive.tenure.fence);
        settle("keep what a chunk is to work on", || row::prepare(db, fence, row.id, at)).await?;
    }
    Ok(took)
}

fn place(stage: &Stage<'_>, row: &Row, at: &Context) -> Place {
    Place {
        run: stage.run.clone(),
        part: row.name.split_once(':').map(|(_, part)| part.to_owned()),
        chunk: at.chunk,
        cursor: at.cursor.clone(),
        size: at.size,
        prepared: at.prepared.clone(),
    }
}

/// Some works only write.
fn items(chunk: &Chunk) -> u64 {
    chunk.counts.read.max(chunk.counts.written)
}

impl Stage<'_> {
    pub(super) fn reached(&self, point: Point) {
        point::reached(point, self.run.execution, self.step.name);
    }
}
