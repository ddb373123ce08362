//! Where spans wait for the exporter. Never waits itself: what finds no place is dropped and counted.

use std::mem;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::span::SpanData;

/// The most spans that are sent at once.
pub(super) const BATCH: usize = 512;
/// The most that wait: 4 MiB at half a kilobyte each.
const PLACES: usize = 8192;

#[derive(Debug, Default)]
pub(super) struct Tally(AtomicU64);

impl Tally {
    fn add(&self, spans: usize) {
        self.0.fetch_add(spans as u64, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Vec<SpanData>>,
    places: AtomicUsize,
    filled: Notify,
    pub(super) exported: Tally,
    pub(super) dropped: Tally,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            places: AtomicUsize::new(PLACES),
            filled: Notify::new(),
            exported: Tally::default(),
            dropped: Tally::default(),
        }
    }

    pub(super) fn push(&self, span: SpanData) {
        let mut waiting = self.waiting();
        let before = waiting.len();
        if before >= self.places.load(Ordering::Relaxed) {
            drop(waiting);
            self.dropped.add(1);
            return;
        }
        waiting.push(span);
        drop(waiting);
        if before + 1 == BATCH {
            self.filled.notify_one();
        }
    }

    /// The next batch, oldest first. Empty when nothing waits.
    pub(super) fn take(&self) -> Vec<SpanData> {
        let mut waiting = self.waiting();
        if waiting.len() <= BATCH {
            return mem::take(&mut *waiting);
        }
        let rest = waiting.split_off(BATCH);
        mem::replace(&mut *waiting, rest)
    }

    /// Completes when there is a whole batch.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Nobody takes spans at the moment: what waits is dropped, and a batch is kept for when somebody does.
    pub(super) fn close(&self) {
        self.places.store(BATCH, Ordering::Relaxed);
        let dropped = mem::take(&mut *self.waiting());
        self.count_dropped(dropped.len());
    }

    pub(super) fn open(&self) {
        self.places.store(PLACES, Ordering::Relaxed);
    }

    pub(super) fn count_exported(&self, spans: usize) {
        self.exported.add(spans);
    }

    pub(super) fn count_dropped(&self, spans: usize) {
        self.dropped.add(spans);
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<SpanData>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
