//! One stream's place in a room.

use std::sync::Arc;

use contract::claims::AccessClaims;
use contract::id::RoomId;
use tokio::sync::oneshot;

use super::catch_up::Piece;
use super::handle::Inner;
use super::hub::Entrance;
use super::room::{Room, Seat};
use super::update::{End, Update};
use super::window::Ahead;

/// One stream's place in a room. The stream ends with its drop.
pub struct Subscription {
    live: Arc<Inner>,
    room: Arc<Room>,
    seat: Arc<Seat>,
    cursor: i64,
    next_signal: u64,
    /// The answer to what was asked of the database.
    reading: Option<oneshot::Receiver<Piece>>,
}

/// What a look at the room has shown.
enum Seen {
    Update(Update),
    /// The next message has to be read from the database.
    Beyond,
    Nothing,
}

impl Subscription {
    pub(super) fn new(live: Arc<Inner>, room: RoomId, who: Arc<AccessClaims>, after: i64) -> Self {
        let Entrance { room, seat, next_signal } = live.hub.enter(room, who, after);
        // The sweep after a revocation finds every stream that was there before it, and later ones look here.
        if live.revocations.is_revoked(seat.who()) {
            seat.revoke();
        }
        Self { live, room, seat, cursor: after, next_signal, reading: None }
    }

    /// The next thing to send. Safe to drop while it waits, and to call again. A reader that comes late costs no
    /// memory here: what it missed is read from the database.
    pub async fn next(&mut self) -> Update {
        let room = Arc::clone(&self.room);
        loop {
            let news = room.news();
            match self.look() {
                Seen::Update(update) => return update,
                Seen::Nothing => news.await,
                Seen::Beyond => {
                    let (live, wanted) = (&self.live, (self.room.id, self.cursor));
                    let reading = self.reading.get_or_insert_with(|| live.catch_up.ask(wanted));
                    tokio::select! {
                        answer = reading => {
                            self.reading = None;
                            // Without an answer the service stops, which the next look shows.
                            if let Some(update) = answer.ok().and_then(|piece| self.take(piece)) {
                                return update;
                            }
                        }
                        // The end of the stream among them.
                        () = news => {}
                    }
                }
            }
        }
    }

    /// Messages behind `after` follow from here on, whatever was brought before.
    pub fn resume(&mut self, after: i64) {
        self.reading = None;
        self.advance(after);
        // Another instance may have brought more than this one knows.
        self.live.hub.heard_of(&self.room, after);
    }

    /// The last message that was brought; before the first, what this follows from.
    pub fn cursor(&self) -> i64 {
        self.cursor
    }

    fn look(&mut self) -> Seen {
        if self.seat.is_revoked() {
            return Seen::Update(Update::Ended(End::Revoked));
        }
        if self.live.drain.is_begun() {
            return Seen::Update(Update::Ended(End::Stopping));
        }
        let state = self.room.lock();
        if state.left {
            return Seen::Update(Update::Ended(End::Left));
        }
        match state.window.ahead(self.cursor) {
            Ahead::Entries(entries) => {
                drop(state);
                self.reading = None;
                self.advance(entries.last().map_or(self.cursor, |entry| entry.seq()));
                self.live.meters.deliveries.increment(entries.len() as u64);
                Seen::Update(Update::Messages(entries))
            }
            ahead @ (Ahead::Beyond | Ahead::Nothing) => match state.signal_from(self.next_signal) {
                Some((signal, next)) => {
                    self.next_signal = next;
                    Seen::Update(Update::Signal(signal))
                }
                None if matches!(ahead, Ahead::Beyond) => Seen::Beyond,
                None => Seen::Nothing,
            },
        }
    }

    /// What was read. `None` when there was nothing: what the window had let go of is archived.
    fn take(&mut self, piece: Piece) -> Option<Update> {
        if piece.left {
            self.room.end();
            return Some(Update::Ended(End::Left));
        }
        let Some(last) = piece.entries.last() else {
            self.advance(self.cursor.max(piece.last_seq));
            return None;
        };
        self.advance(last.seq());
        self.live.meters.deliveries.increment(piece.entries.len() as u64);
        Some(Update::Messages(piece.entries))
    }

    fn advance(&mut self, cursor: i64) {
        self.cursor = cursor;
        self.seat.set_cursor(cursor);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.live.hub.leave(&self.room, &self.seat);
    }
}
