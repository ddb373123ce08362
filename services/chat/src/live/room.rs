//! A room that streams of this instance are open on.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::claims::AccessClaims;
use contract::id::RoomId;
use tokio::sync::Notify;

use super::entry::Entry;
use super::update::Signal;
use super::window::{Scale, Window};

/// Signals that a stream may lag behind before it loses the oldest.
const MAX_SIGNALS: usize = 32;

/// One stream, as its room sees it.
#[derive(Debug)]
pub(super) struct Seat {
    who: Arc<AccessClaims>,
    /// The last message that the stream has got.
    cursor: AtomicI64,
    /// Where it is among the room's seats; changed with the room locked.
    index: AtomicUsize,
    revoked: AtomicBool,
}

impl Seat {
    pub(super) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }

    /// Ends the stream; whoever does so wakes it.
    pub(super) fn revoke(&self) {
        self.revoked.store(true, Ordering::Release);
    }

    pub(super) fn who(&self) -> &AccessClaims {
        &self.who
    }

    pub(super) fn set_cursor(&self, cursor: i64) {
        self.cursor.store(cursor, Ordering::Relaxed);
    }
}

pub(super) struct Room {
    pub(super) id: RoomId,
    state: Mutex<State>,
    /// Wakes every stream of the room.
    news: Notify,
}

pub(super) struct State {
    pub(super) window: Window,
    pub(super) left: bool,
    /// The reader has to look at the room, and it is in the reader's queue.
    pub(super) dirty: bool,
    seats: Vec<Arc<Seat>>,
    signals: VecDeque<Arc<Signal>>,
    /// The number of the next signal.
    next_signal: u64,
}

impl Room {
    pub(super) fn new(id: RoomId, scale: Scale) -> Self {
        let state = State {
            window: Window::new(scale),
            left: false,
            dirty: false,
            seats: Vec::new(),
            signals: VecDeque::new(),
            next_signal: 0,
        };
        Self { id, state: Mutex::new(state), news: Notify::new() }
    }

    /// Held for a look or a change, never while waiting.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes at the next [`Self::wake`] after the call.
    pub(super) fn news(&self) -> impl Future<Output = ()> {
        self.news.notified()
    }

    /// Once for each thing that is new.
    pub(super) fn wake(&self) {
        self.news.notify_waiters();
    }

    /// Ends every stream of the room: it was left.
    pub(super) fn end(&self) {
        self.lock().left = true;
        self.wake();
    }

    pub(super) fn signal(&self, signal: Arc<Signal>) {
        self.lock().add_signal(signal);
        self.wake();
    }

    /// Ends the streams whose token fails the test.
    pub(super) fn revoke(&self, is_revoked: impl Fn(&AccessClaims) -> bool) {
        let mut any = false;
        for seat in &self.lock().seats {
            if !seat.is_revoked() && is_revoked(&seat.who) {
                seat.revoke();
                any = true;
            }
        }
        if any {
            self.wake();
        }
    }
}

impl State {
    pub(super) fn add_seat(&mut self, who: Arc<AccessClaims>, cursor: i64) -> Arc<Seat> {
        let seat = Arc::new(Seat {
            who,
            cursor: AtomicI64::new(cursor),
            index: AtomicUsize::new(self.seats.len()),
            revoked: AtomicBool::new(false),
        });
        self.seats.push(Arc::clone(&seat));
        seat
    }

    /// Says whether the room is empty now.
    pub(super) fn remove_seat(&mut self, seat: &Seat) -> bool {
        let index = seat.index.load(Ordering::Relaxed);
        self.seats.swap_remove(index);
        if let Some(moved) = self.seats.get(index) {
            moved.index.store(index, Ordering::Relaxed);
        }
        self.seats.is_empty()
    }

    pub(super) fn seats(&self) -> usize {
        self.seats.len()
    }

    /// The stream that has got the least.
    pub(super) fn slowest(&self) -> i64 {
        self.seats.iter().map(|seat| seat.cursor.load(Ordering::Relaxed)).min().unwrap_or(0)
    }

    pub(super) fn trim(&mut self) {
        let slowest = self.slowest();
        self.window.trim(slowest);
    }

    /// What a stream that begins now has heard of.
    pub(super) fn next_signal(&self) -> u64 {
        self.next_signal
    }

    /// The signal with that number, or the oldest there is behind it; and the number of the one after.
    pub(super) fn signal_from(&self, number: u64) -> Option<(Arc<Signal>, u64)> {
        let oldest = self.next_signal - self.signals.len() as u64;
        let number = number.max(oldest);
        let at = usize::try_from(number - oldest).ok()?;
        Some((Arc::clone(self.signals.get(at)?), number + 1))
    }

    fn add_signal(&mut self, signal: Arc<Signal>) {
        if self.signals.len() == MAX_SIGNALS {
            self.signals.pop_front();
        }
        self.signals.push_back(signal);
        self.next_signal += 1;
    }
}

/// What was read for the window.
pub(super) fn entries(messages: Vec<contract::chat::Message>) -> Vec<Arc<Entry>> {
    messages.into_iter().map(|message| Arc::new(Entry::new(Arc::new(message)))).collect()
}
