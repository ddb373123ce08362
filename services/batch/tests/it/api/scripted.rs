//! A step that does what a test says, when it says so.

use std::sync::{Arc, Mutex};

use anyhow::anyhow;
use batch::engine::work::{Place, Run};
use batch::engine::{Chunk, Counts, Fault, Part, Skipped, Work};
use contract::batch::SkippedPhase;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Chunks of ten items. Each has a bad one among them: it can be done the second time, unless it is `bad-2`.
pub(super) struct Scripted {
    pub(super) total: u64,
    /// A chunk takes one.
    pub(super) permits: Semaphore,
    /// So does an item that is tried again.
    pub(super) second_chances: Semaphore,
    /// The items that were tried again.
    pub(super) redriven: Mutex<Vec<String>>,
    /// No chunk is done any more.
    pub(super) broken: Mutex<bool>,
}

impl Scripted {
    pub(super) fn new(total: u64) -> Arc<Self> {
        Arc::new(Self {
            total,
            permits: Semaphore::new(0),
            second_chances: Semaphore::new(0),
            redriven: Mutex::default(),
            broken: Mutex::default(),
        })
    }

    /// So many more chunks may be done.
    pub(super) fn allow(&self, chunks: usize) {
        self.permits.add_permits(chunks);
    }

    pub(super) fn second_chances(&self, items: usize) {
        self.second_chances.add_permits(items);
    }

    pub(super) fn tried(&self) -> Vec<String> {
        let mut tried = self.redriven.lock().unwrap().clone();
        tried.sort();
        tried
    }
}

impl Work for Scripted {
    fn parts<'a>(&'a self, _: &'a Run) -> BoxFuture<'a, Result<Vec<Part>, Fault>> {
        Box::pin(async { Ok(vec![Part { name: None, total: Some(self.total) }]) })
    }

    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(async {
            self.permits.acquire().await.unwrap().forget();
            if *self.broken.lock().unwrap() {
                return Err(Fault::fatal(anyhow!("the disk is full")));
            }
            let number = place.chunk;
            let key = format!("bad-{number}");
            let bad = Skipped {
                phase: SkippedPhase::Write,
                item: json!({ "key": key }),
                key,
                error: "it is bad".to_owned(),
            };
            let done = (number + 1) * 10;
            Ok(Chunk {
                counts: Counts { read: 10, filtered: 2, written: 7 },
                next: (done < self.total).then(|| json!(done)),
                summary: [("written".to_owned(), 7)].into(),
                skipped: vec![bad],
                ..Chunk::default()
            })
        })
    }

    fn redrive<'a>(&'a self, _: &'a Run, item: &'a Value) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async {
            self.second_chances.acquire().await.unwrap().forget();
            let key = item["key"].as_str().unwrap().to_owned();
            self.redriven.lock().unwrap().push(key.clone());
            if key == "bad-2" { Err(Fault::item(anyhow!("it is bad for good"))) } else { Ok(()) }
        })
    }
}
