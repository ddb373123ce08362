//! What a step does: it says which parts it has, and does one chunk of a part at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use contract::batch::{ParameterValue, SkippedPhase};
use contract::id::{ArchiveId, ExecutionId, InstanceId};
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::fault::Fault;

/// A step's work. Every chunk must be repeatable: whoever dies between doing it and committing is followed by somebody
/// who does it again, with the same [`Place::key`], cursor, size
/// and preparation.
pub trait Work: Send + Sync {
    /// The parts that may be worked on at the same time, asked once an execution. None means that nothing is to do.
    fn parts<'a>(&'a self, run: &'a Run) -> BoxFuture<'a, Result<Vec<Part>, Fault>> {
        let _ = run;
        Box::pin(async { Ok(vec![Part::ONLY]) })
    }

    /// Finds out what the chunk is to work on, before it is first done. It is kept with the chunk's place, so who does the
    /// chunk again does it to the same things, although they are others by then. None for work that needs nothing kept.
    fn prepare<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Option<Value>, Fault>> {
        let _ = place;
        Box::pin(async { Ok(None) })
    }

    /// Does one chunk.
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>>;

    /// Tries one skipped item once more.
    fn redrive<'a>(&'a self, run: &'a Run, item: &'a Value) -> BoxFuture<'a, Result<(), Fault>> {
        let _ = (run, item);
        Box::pin(async { Err(Fault::fatal(anyhow::anyhow!("items of this step cannot be tried again"))) })
    }
}

/// What a step is told of the execution that it belongs to.
#[derive(Debug, Clone)]
pub struct Run {
    pub execution: ExecutionId,
    /// The same when an execution is restarted.
    pub instance: InstanceId,
    pub job: &'static str,
    pub step: &'static str,
    pub parameters: Arc<BTreeMap<String, ParameterValue>>,
    /// When the instance was begun, or the slot of the schedule that began it: what "now" means to it, also in a restart.
    pub as_of: DateTime<Utc>,
    /// Nothing may be changed.
    pub dry_run: bool,
    /// What the steps of this instance have counted so far, by name.
    pub summary: Arc<BTreeMap<String, i64>>,
}

impl Run {
    /// A parameter as text; none when it is absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(|parameter| parameter.value.as_str())
    }

    /// A parameter of a type that its declaration has promised.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }
}

/// A part of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// 1 to 60 of `a-z0-9-`; null for a step of one part.
    pub name: Option<String>,
    pub total: Option<u64>,
}

impl Part {
    pub const ONLY: Self = Self { name: None, total: None };
}

/// Which chunk.
#[derive(Debug, Clone)]
pub struct Place {
    pub run: Run,
    /// None for a step of one part.
    pub part: Option<String>,
    /// 0, 1, 2 … within the part, over all restarts.
    pub chunk: u64,
    /// `next` of the chunk before; none for the first.
    pub cursor: Option<Value>,
    /// At most so many items.
    pub size: u32,
    /// What [`Work::prepare`] has found.
    pub prepared: Option<Value>,
}

impl Place {
    /// The same whenever this chunk is done again, and no other chunk's: to be passed on as an idempotency key.
    pub fn key(&self) -> String {
        let (instance, step, part) =
            (self.run.instance, self.run.step, self.part.as_deref().unwrap_or("all"));
        format!("batch.{instance}.{step}.{part}.{}", self.chunk)
    }
}

/// What a chunk has done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chunk {
    pub counts: Counts,
    /// Where the next chunk begins; none when this was the last.
    pub next: Option<Value>,
    /// How many items the part has in all, if that is known by now.
    pub total: Option<u64>,
    /// Added to the job's summary.
    pub summary: BTreeMap<String, i64>,
    /// Added to the job's report.
    pub rows: Vec<Value>,
    pub skipped: Vec<Skipped>,
    /// Written in the transaction that commits the chunk.
    pub effects: Vec<Effect>,
    /// Ask again no sooner than this: what was asked for is still being made.
    pub pause: Option<std::time::Duration>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub read: u64,
    /// Read, and nothing to do about.
    pub filtered: u64,
    pub written: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub phase: SkippedPhase,
    /// What the item is called where it comes from.
    pub key: String,
    /// What is needed to try it again.
    pub item: Value,
    pub error: String,
}

/// What a chunk leaves in our database.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Archive(NewArchive),
    /// The archive's rows are gone from where they came from.
    ArchiveDropped {
        path: String,
    },
    Report(NewReport),
    /// How the execution is to end, if it ends well, e.g. `COMPLETED_WITH_DIFFERENCES`.
    ExitCode(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArchive {
    pub id: ArchiveId,
    /// The directory in the object store.
    pub path: String,
    pub period_start: DateTime<Utc>,
    pub period_end: DateTime<Utc>,
    pub parts: u32,
    pub rows: u64,
    pub bytes: u64,
    pub sha256: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReport {
    pub period_start: DateTime<Utc>,
    pub period_end: DateTime<Utc>,
    pub summary: BTreeMap<String, i64>,
    pub row_count: u64,
    pub json_path: String,
    pub csv_path: String,
}
