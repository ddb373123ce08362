//! What lies outside of batch: it does what it is asked once a key, and can be told to fail or to wait.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use batch::engine::{Chunked, Fault, Page, Place, Written, work::Run};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Numbers from 0 that are written somewhere else.
#[derive(Clone)]
pub(super) struct Numbers {
    pub(super) world: Arc<World>,
    /// Of each part.
    pub(super) total: u64,
    pub(super) parts: &'static [&'static str],
}

pub(super) struct World {
    /// What was written, by key.
    done: Mutex<BTreeMap<String, Vec<String>>>,
    /// Every call, also those that came to nothing or were known already.
    calls: Mutex<Vec<String>>,
    /// What the next calls come to.
    faults: Mutex<VecDeque<Fault>>,
    /// Items that nobody can process, or write.
    unprocessable: Mutex<BTreeSet<u64>>,
    unwritable: Mutex<BTreeSet<u64>>,
    /// As many calls are let through.
    gate: Semaphore,
    /// Calls that have come so far, also those that wait.
    come: AtomicUsize,
}

impl Default for World {
    fn default() -> Self {
        Self {
            done: Mutex::default(),
            calls: Mutex::default(),
            faults: Mutex::default(),
            unprocessable: Mutex::default(),
            unwritable: Mutex::default(),
            gate: Semaphore::new(1_000_000),
            come: AtomicUsize::new(0),
        }
    }
}

impl World {
    /// Lets so many more calls through, and then none.
    pub(super) fn let_through(&self, calls: usize) {
        self.gate.forget_permits(usize::MAX);
        self.gate.add_permits(calls);
    }

    pub(super) fn let_go(&self) {
        self.gate.add_permits(1_000_000);
    }

    pub(super) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().extend(faults);
    }

    pub(super) fn refuse_to_process(&self, items: impl IntoIterator<Item = u64>) {
        *self.unprocessable.lock().unwrap() = items.into_iter().collect();
    }

    pub(super) fn refuse_to_write(&self, items: impl IntoIterator<Item = u64>) {
        *self.unwritable.lock().unwrap() = items.into_iter().collect();
    }

    /// Calls that have come so far, also those that wait.
    pub(super) fn come(&self) -> usize {
        self.come.load(Ordering::SeqCst)
    }

    /// Calls that were let through.
    pub(super) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// The keys under which something was written.
    pub(super) fn keys(&self) -> Vec<String> {
        self.done.lock().unwrap().keys().cloned().collect()
    }

    /// Everything that was written, in its order; what was written twice is there twice.
    pub(super) fn written(&self) -> Vec<String> {
        let mut all: Vec<_> = self.done.lock().unwrap().values().flatten().cloned().collect();
        all.sort_by_key(|item| (item.len(), item.clone()));
        all
    }
}

/// `0`, `1` … as they are written by a step of one part.
pub(super) fn numbers(total: u64) -> Vec<String> {
    (0..total).map(|number| number.to_string()).collect()
}

impl Chunked for Numbers {
    type Item = Value;
    type Output = String;

    async fn parts(&self, _run: &Run) -> Result<Vec<batch::engine::Part>, Fault> {
        if self.parts.is_empty() {
            return Ok(vec![batch::engine::Part::ONLY]);
        }
        let part =
            |name: &&str| batch::engine::Part { name: Some((*name).to_owned()), total: Some(self.total) };
        Ok(self.parts.iter().map(part).collect())
    }

    async fn read(&self, place: &Place) -> Result<Page<Value>, Fault> {
        let from = place.cursor.as_ref().and_then(Value::as_u64).unwrap_or(0);
        let to = (from + u64::from(place.size)).min(self.total);
        let items = (from..to).map(|number| json!({ "part": place.part, "number": number })).collect();
        Ok(Page { items, next: (to < self.total).then(|| json!(to)), total: Some(self.total) })
    }

    fn key(&self, item: &Value) -> String {
        name(item)
    }

    fn process(&self, _run: &Run, item: &Value) -> Result<Option<String>, Fault> {
        let number = item["number"].as_u64().unwrap();
        if self.world.unprocessable.lock().unwrap().contains(&number) {
            return Err(Fault::item(anyhow::anyhow!("{number} is odd in its own way")));
        }
        // A multiple of 1,000 is nothing to do about.
        Ok((number == 0 || !number.is_multiple_of(1000)).then(|| name(item)))
    }

    async fn write(&self, run: &Run, key: &str, outputs: &[String]) -> Result<Written, Fault> {
        self.world.come.fetch_add(1, Ordering::SeqCst);
        self.world.gate.acquire().await.unwrap().forget();
        self.world.calls.lock().unwrap().push(key.to_owned());
        if let Some(fault) = self.world.faults.lock().unwrap().pop_front() {
            return Err(fault);
        }
        let number = |output: &String| output.rsplit('/').next().unwrap().parse::<u64>().unwrap();
        let bad = self.world.unwritable.lock().unwrap();
        if let Some(output) = outputs.iter().find(|output| bad.contains(&number(output))) {
            return Err(Fault::item(anyhow::anyhow!("{output} is refused")));
        }
        let written = outputs.len() as u64;
        if !run.dry_run {
            let before = self.world.done.lock().unwrap().insert(key.to_owned(), outputs.to_vec());
            assert!(before.is_none_or(|before| before == outputs), "{key} was used for something else");
        }
        let sum = outputs.iter().map(number).sum::<u64>();
        Ok(Written {
            written,
            summary: [("sum".to_owned(), i64::try_from(sum).unwrap())].into(),
            rows: outputs
                .iter()
                .filter(|output| number(output) % 10 == 0)
                .map(|output| json!(output))
                .collect(),
        })
    }
}

fn name(item: &Value) -> String {
    match item["part"].as_str() {
        Some(part) => format!("{part}/{}", item["number"]),
        None => item["number"].to_string(),
    }
}
