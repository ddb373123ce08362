//! Chunks of items that are read, processed and written, with bad ones found and skipped.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use contract::batch::SkippedPhase;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;
use super::point::{self, Point};
use super::work::{Chunk, Part, Place, Run, Skipped, Work};

/// A step that works item by item. A [`Fault::Item`] of `process` skips that item; one of `write` makes the chunk be
/// written again one by one, to find which it was. Everything else concerns the whole chunk.
///
/// What was read is kept before anything of it is written: reading again may find less, or other things.
pub trait Chunked: Send + Sync + 'static {
    type Item: Serialize + DeserializeOwned + Send + Sync;
    type Output: Serialize + Send + Sync;

    fn parts(&self, run: &Run) -> impl Future<Output = Result<Vec<Part>, Fault>> + Send {
        let _ = run;
        async { Ok(vec![Part::ONLY]) }
    }

    /// Up to `place.size` items behind `place.cursor`.
    fn read(&self, place: &Place) -> impl Future<Output = Result<Page<Self::Item>, Fault>> + Send;

    /// What the item is called where it comes from.
    fn key(&self, item: &Self::Item) -> String;

    /// What to write; none when there is nothing to do about it. Asks nobody.
    fn process(&self, run: &Run, item: &Self::Item) -> Result<Option<Self::Output>, Fault>;

    /// Writes them. `key` is the same whenever these are written again. A dry run says what it would do.
    fn write(
        &self,
        run: &Run,
        key: &str,
        outputs: &[Self::Output],
    ) -> impl Future<Output = Result<Written, Fault>> + Send;
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins; none when this was the last.
    pub next: Option<Value>,
    pub total: Option<u64>,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    pub written: u64,
    pub summary: std::collections::BTreeMap<String, i64>,
    pub rows: Vec<Value>,
}

/// Makes a step's work of it.
pub struct Chunks<C>(pub C);

impl<C: Chunked> Work for Chunks<C> {
    fn parts<'a>(&'a self, run: &'a Run) -> BoxFuture<'a, Result<Vec<Part>, Fault>> {
        Box::pin(self.0.parts(run))
    }

    fn prepare<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Option<Value>, Fault>> {
        Box::pin(async move {
            let page = self.0.read(place).await?;
            point::reached(Point::Read, place.run.execution, place.run.step);
            serde_json::to_value(&page).map(Some).map_err(Fault::fatal)
        })
    }

    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(async move {
            let prepared = place.prepared.as_ref().unwrap_or(&Value::Null);
            let page = Page::<C::Item>::deserialize(prepared).map_err(Fault::fatal)?;
            let mut chunk = Chunk { next: page.next, total: page.total, ..Chunk::default() };
            chunk.counts.read = page.items.len() as u64;
            let pending = process(&self.0, &place.run, page.items, &mut chunk)?;
            if !pending.outputs.is_empty() {
                write(&self.0, place, pending, &mut chunk).await?;
            }
            Ok(chunk)
        })
    }

    fn redrive<'a>(&'a self, run: &'a Run, item: &'a Value) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let decoded = C::Item::deserialize(item).map_err(Fault::fatal)?;
            let Some(output) = self.0.process(run, &decoded)? else {
                return Ok(());
            };
            self.0.write(run, &redrive_key(run, item), &[output]).await?;
            Ok(())
        })
    }
}

/// What was processed and is to be written, with the items that it came from and their places in the page.
struct Pending<C: Chunked> {
    outputs: Vec<C::Output>,
    sources: Vec<(usize, C::Item)>,
}

fn process<C: Chunked>(
    work: &C,
    run: &Run,
    items: Vec<C::Item>,
    chunk: &mut Chunk,
) -> Result<Pending<C>, Fault> {
    let mut pending = Pending { outputs: Vec::with_capacity(items.len()), sources: Vec::new() };
    for (index, item) in items.into_iter().enumerate() {
        match work.process(run, &item) {
            Ok(Some(output)) => {
                pending.outputs.push(output);
                pending.sources.push((index, item));
            }
            Ok(None) => chunk.counts.filtered += 1,
            Err(Fault::Item { source }) => {
                chunk.skipped.push(skipped(work, SkippedPhase::Process, &item, &source)?);
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(pending)
}

/// All at once; when one of them is bad, one by one.
async fn write<C: Chunked>(
    work: &C,
    place: &Place,
    pending: Pending<C>,
    chunk: &mut Chunk,
) -> Result<(), Fault> {
    let key = place.key();
    match work.write(&place.run, &key, &pending.outputs).await {
        Ok(written) => {
            add(chunk, written);
            return Ok(());
        }
        Err(Fault::Item { .. }) => {}
        Err(fault) => return Err(fault),
    }
    for (output, (index, item)) in pending.outputs.iter().zip(&pending.sources) {
        match work.write(&place.run, &format!("{key}.{index}"), std::slice::from_ref(output)).await {
            Ok(written) => add(chunk, written),
            Err(Fault::Item { source }) => {
                chunk.skipped.push(skipped(work, SkippedPhase::Write, item, &source)?);
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

fn add(chunk: &mut Chunk, written: Written) {
    chunk.counts.written += written.written;
    for (name, number) in written.summary {
        *chunk.summary.entry(name).or_default() += number;
    }
    chunk.rows.extend(written.rows);
}

fn skipped<C: Chunked>(
    work: &C,
    phase: SkippedPhase,
    item: &C::Item,
    error: &anyhow::Error,
) -> Result<Skipped, Fault> {
    let error = format!("{error:#}");
    Ok(Skipped { phase, key: work.key(item), item: serde_json::to_value(item).map_err(Fault::fatal)?, error })
}

/// The item's own: who tries it once more after an answer that was lost finds what was done.
fn redrive_key(run: &Run, item: &Value) -> String {
    let digest = digest(&SHA256, item.to_string().as_bytes());
    let hash = digest.as_ref().iter().take(16).fold(String::with_capacity(32), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("batch.{}.{}.redrive.{hash}", run.instance, run.step)
}
