//! A room's newest messages, in a row without a gap, as far as streams here still need them. Pure.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};

use super::entry::Entry;

/// The most messages of one room. A stream that is further behind reads the database.
pub(super) const MAX_ENTRIES: usize = 256;
/// The most of one room, as its entries weigh.
pub(super) const MAX_WEIGHT: usize = 512 * 1024;
/// The most of all rooms of an instance: beyond it a room keeps only its newest message.
const MAX_TOTAL: usize = 64 * 1024 * 1024;
/// What one stream takes at a time weighs no more, unless a single message does.
const MAX_TAKEN: usize = 64 * 1024;

/// What all windows of an instance weigh. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Scale(Arc<AtomicUsize>);

impl Scale {
    pub(super) fn total(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What comes of messages that were committed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appended {
    /// There is something new for streams.
    Grown,
    /// All of them were there.
    Known,
    /// Others lie before them, or may: the database has to be read.
    Gap,
}

/// What a window has for a stream.
#[derive(Debug)]
pub(super) enum Ahead {
    Nothing,
    Entries(Vec<Arc<Entry>>),
    /// The next message is no longer here.
    Beyond,
}

#[derive(Debug)]
pub(super) struct Window {
    /// The newest message there is, as far as is known; `None` before the room was read.
    head: Option<i64>,
    /// When it was stored, if it has been here.
    head_at: Option<DateTime<Utc>>,
    /// In a row; the last one is the head.
    entries: VecDeque<Arc<Entry>>,
    weight: usize,
    scale: Scale,
}

impl Window {
    pub(super) fn new(scale: Scale) -> Self {
        Self { head: None, head_at: None, entries: VecDeque::new(), weight: 0, scale }
    }

    pub(super) fn head(&self) -> Option<i64> {
        self.head
    }

    /// Nothing behind the head is older.
    pub(super) fn head_at(&self) -> Option<DateTime<Utc>> {
        self.head_at
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds what was just committed here.
    pub(super) fn append(&mut self, entries: impl IntoIterator<Item = Arc<Entry>>) -> Appended {
        let mut appended = Appended::Known;
        for entry in entries {
            match self.head {
                Some(head) if entry.seq() <= head => {}
                Some(head) if entry.seq() == head + 1 => {
                    self.push(entry);
                    appended = Appended::Grown;
                }
                Some(_) | None => return Appended::Gap,
            }
        }
        appended
    }

    /// Adds what was read from the database behind the head, when the room's newest message was `last_seq`; and says
    /// whether there is more to read.
    pub(super) fn read(&mut self, entries: Vec<Arc<Entry>>, last_seq: i64) -> bool {
        if entries.is_empty() && self.head.is_none_or(|head| head < last_seq) {
            // Nothing between, so it was archived: nobody needs what lies before.
            self.clear();
            self.head = Some(last_seq);
        }
        for entry in entries {
            if self.head.is_some_and(|head| entry.seq() <= head) {
                // Committed here while it was read.
                continue;
            }
            if self.head.is_none_or(|head| head + 1 != entry.seq()) {
                self.clear();
            }
            self.push(entry);
        }
        self.head.is_none_or(|head| head < last_seq)
    }

    /// What follows `cursor`.
    pub(super) fn ahead(&self, cursor: i64) -> Ahead {
        if self.head.is_none_or(|head| head <= cursor) {
            return Ahead::Nothing;
        }
        let first = self.entries.front().map(|entry| entry.seq()).filter(|first| *first <= cursor + 1);
        // Positions are those of the sequence: there is no gap.
        let at = first.and_then(|first| usize::try_from(cursor + 1 - first).ok());
        let Some(at) = at else { return Ahead::Beyond };
        let mut weight = 0;
        let taken = self.entries.range(at..).take_while(|entry| {
            let before = weight;
            weight += entry.weight();
            before == 0 || weight <= MAX_TAKEN
        });
        Ahead::Entries(taken.cloned().collect())
    }

    /// Lets go of what every stream has got, the slowest of which is at `slowest`, and of what is too much.
    pub(super) fn trim(&mut self, slowest: i64) {
        while let Some(first) = self.entries.front()
            && (first.seq() <= slowest || self.is_too_much())
        {
            self.pop();
        }
    }

    fn is_too_much(&self) -> bool {
        self.entries.len() > MAX_ENTRIES
            || (self.entries.len() > 1 && (self.weight > MAX_WEIGHT || self.scale.total() > MAX_TOTAL))
    }

    fn push(&mut self, entry: Arc<Entry>) {
        let weight = entry.weight();
        self.weight += weight;
        self.scale.0.fetch_add(weight, Ordering::Relaxed);
        self.head = Some(entry.seq());
        self.head_at = Some(entry.created_at);
        self.entries.push_back(entry);
    }

    fn pop(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.weight -= entry.weight();
            self.scale.0.fetch_sub(entry.weight(), Ordering::Relaxed);
        }
    }

    fn clear(&mut self) {
        self.entries = VecDeque::new();
        self.scale.0.fetch_sub(self.weight, Ordering::Relaxed);
        self.weight = 0;
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests;
