//! Committing a chunk: one transaction, in which the fence is checked first.

use std::time::Duration;

use chassis::db;
use contract::batch::{LogLevel, SkippedPhase};
use metrics::{counter, histogram};
use sqlx::PgConnection;

use super::attempt::Subject;
use super::drive::Halt;
use super::settle::{Unwritten, settle};
use super::step::Stage;
use crate::domain::pace::Rate;
use crate::engine::point::Point;
use crate::engine::work::{Chunk, Effect, Skipped};
use crate::repository::commit::{self as repository, Commit};
use crate::repository::effect;
use crate::repository::fence::FenceError;
use crate::repository::log::{self, Line};
use crate::repository::step::{Context, Row};

/// Items of committed chunks, by job and what became of them.
const ITEMS: &str = "batch_items_total";
/// How long chunks take, without their commit.
const CHUNK: &str = "batch_chunk_seconds";

/// A chunk that was done and is to be committed.
pub(super) struct Done<'a> {
    pub(super) row: &'a Row,
    pub(super) at: &'a Context,
    pub(super) next: &'a Context,
    pub(super) chunk: &'a Chunk,
    pub(super) took: Duration,
    pub(super) rate: Rate,
}

/// What came of a transaction.
enum Outcome {
    Committed {
        stop_requested: bool,
    },
    /// The chunk must not count, and the step fails.
    Refused(String),
}

/// Commits the chunk, and lets the execution know if it was asked to stop meanwhile.
pub(super) async fn commit(stage: &Stage<'_>, subject: Subject<'_>, done: &Done<'_>) -> Result<(), Halt> {
    let outcome = settle("commit a chunk", || try_commit(stage, done)).await;
    let stop_requested = match outcome {
        Ok(Outcome::Committed { stop_requested }) => stop_requested,
        Ok(Outcome::Refused(why)) => return Err(subject.failed(&why)),
        Err(Unwritten::Lost) => return Err(Halt::Lost),
        Err(Unwritten::Refused(error)) => {
            return Err(subject.failed(&format!("batch_db refused the chunk: {error}")));
        }
    };
    stage.reached(Point::Committed);
    measure(stage, done);
    if stop_requested {
        stage.drive.tenure.ask_to_stop();
    }
    Ok(())
}

async fn try_commit(stage: &Stage<'_>, done: &Done<'_>) -> Result<Outcome, FenceError> {
    let (chunk, last) = (done.chunk, done.chunk.next.is_none());
    let commit = Commit {
        row: done.row.id,
        chunk: done.at.chunk,
        next: done.next,
        last,
        counts: chunk.counts,
        total: chunk.total,
        items_per_second: done.rate.per_second(),
        summary: &chunk.summary,
        rows: &chunk.rows,
        skipped: &chunk.skipped,
        exit_code: exit_code(&chunk.effects),
    };
    let mut tx = db::transaction(&stage.drive.inner.db).await?;
    let moved = repository::advance(&mut tx, &stage.drive.tenure.fence, &commit).await?;
    if !moved.moved {
        // The answer to an earlier attempt was lost. This transaction counts the chunk a second time, and is dropped.
        return Ok(Outcome::Committed { stop_requested: moved.stop_requested });
    }
    if let Some(why) = skip(stage, &mut tx, done).await? {
        return Ok(Outcome::Refused(why));
    }
    for effect in &chunk.effects {
        if let Some(why) = leave(stage, &mut tx, effect).await? {
            return Ok(Outcome::Refused(why));
        }
    }
    if last {
        repository::tell_complete(&mut tx, stage.run.execution, stage.step.name).await?;
    }
    stage.reached(Point::Committing);
    tx.commit().await?;
    Ok(Outcome::Committed { stop_requested: moved.stop_requested })
}

/// Tells of skipped items; says why if they are more than may be skipped. The execution's row is locked by now, so parts
/// that skip at the same time see each other's.
async fn skip(
    stage: &Stage<'_>,
    db: &mut PgConnection,
    done: &Done<'_>,
) -> Result<Option<String>, sqlx::Error> {
    let Some(first) = done.chunk.skipped.first() else {
        return Ok(None);
    };
    let (step, execution) = (stage.step, stage.run.execution);
    let all = repository::skipped(db, execution, step.name).await?;
    let limit = step.skip_limit;
    let example = format!("{} of {}: {}", first.phase, first.key, first.error);
    if u64::try_from(all).unwrap_or(0) > limit {
        return Ok(Some(format!("more than {limit} items would be skipped, among them {example}")));
    }
    let message = match done.chunk.skipped.len() {
        1 => format!("skipped {example}"),
        count => format!("skipped {count} items, the first {example}"),
    };
    let line = Line { step: Some(&done.row.name), level: LogLevel::Warn, message: &message };
    log::write(db, execution, &line).await?;
    Ok(None)
}

/// Says why if it cannot be left.
async fn leave(
    stage: &Stage<'_>,
    db: &mut PgConnection,
    effect: &Effect,
) -> Result<Option<String>, sqlx::Error> {
    let execution = stage.run.execution;
    let problem = match effect {
        Effect::Archive(archive) => {
            let written = effect::archive(db, execution, archive).await?;
            (!written).then(|| {
                format!("the rows of another archive {} are gone, so it stays as it is", archive.path)
            })
        }
        Effect::ArchiveDropped { path } => {
            let dropped = effect::archive_dropped(db, path).await?;
            (!dropped).then(|| format!("there is no archive {path}"))
        }
        Effect::Report(report) => {
            effect::report(db, execution, report).await?;
            None
        }
        // It is part of the execution's context.
        Effect::ExitCode(_) => None,
    };
    Ok(problem)
}

fn exit_code(effects: &[Effect]) -> Option<&'static str> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::ExitCode(code) => Some(*code),
        Effect::Archive(_) | Effect::ArchiveDropped { .. } | Effect::Report(_) => None,
    })
}

fn measure(stage: &Stage<'_>, done: &Done<'_>) {
    let (job, chunk) = (stage.run.job, done.chunk);
    let skipped_in =
        |phase| chunk.skipped.iter().filter(|item: &&Skipped| item.phase == phase).count() as u64;
    let kinds = [
        ("read", chunk.counts.read),
        ("filtered", chunk.counts.filtered),
        ("written", chunk.counts.written),
        ("read_skipped", skipped_in(SkippedPhase::Read)),
        ("process_skipped", skipped_in(SkippedPhase::Process)),
        ("write_skipped", skipped_in(SkippedPhase::Write)),
    ];
    for (kind, count) in kinds {
        counter!(ITEMS, "job" => job, "kind" => kind).increment(count);
    }
    histogram!(CHUNK, "job" => job, "step" => stage.step.name).record(done.took);
}
