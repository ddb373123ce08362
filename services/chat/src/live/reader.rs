//! The one reader of an instance: fetches what the windows of dirty rooms lack, many rooms by one statement.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use contract::id::RoomId;
use sqlx::PgPool;
use tokio::time::Instant;
use tracing::warn;

use super::hub::Hub;
use super::persist::{Reading, persistently};
use super::room::{Room, entries};
use crate::repository::live::{Bounds, Page, Wanted};

/// Rooms of one statement.
const TOGETHER: usize = 256;
/// A room that is further behind begins a new window: its streams read what lies before by themselves.
const REACH: i64 = 64;
const BOUNDS: Bounds = Bounds { messages: REACH, bytes: 128 * 1024, reach: REACH };

/// A room that cannot be read is left alone for so long at first, and at last.
const FIRST_REST: Duration = Duration::from_secs(2);
const LONGEST_REST: Duration = Duration::from_mins(1);

/// Never ends, and never gives up on a room.
pub(super) async fn keep_reading(hub: Arc<Hub>, db: PgPool) {
    let mut resting = Resting::default();
    loop {
        let mut parts = resting.parts(hub.dirty(TOGETHER).await);
        while let Some(mut rooms) = parts.pop() {
            // Marks that come from here on are for what this reading may not see.
            let wanted: Vec<_> = rooms.iter().map(|room| wanted(room)).collect();
            let reading = Reading { wanted: &wanted, bounds: BOUNDS };
            match persistently("reading for streams", &db, &reading).await {
                Ok(read) => {
                    for (room, page) in rooms.iter().zip(read) {
                        resting.forget(room.id);
                        apply(&hub, room, page);
                    }
                }
                Err(error) if rooms.len() == 1 => resting.add(rooms[0].id, &error),
                // One of them fails for all: the half without it is read.
                Err(_) => {
                    let half = rooms.split_off(rooms.len() / 2);
                    parts.extend([half, rooms]);
                }
            }
        }
    }
}

/// Rooms that failed on their own, and until when they are left alone. The poll marks them again meanwhile.
#[derive(Default)]
struct Resting(HashMap<RoomId, (Instant, Duration)>);

impl Resting {
    /// What to read by one statement each, the last one first: those that failed before by themselves, so that no
    /// other room waits for the halving.
    fn parts(&self, rooms: Vec<Arc<Room>>) -> Vec<Vec<Arc<Room>>> {
        let now = Instant::now();
        let (mut parts, mut good) = (Vec::new(), Vec::new());
        for room in rooms {
            match self.0.get(&room.id) {
                Some((until, _)) if now < *until => {}
                Some(_) => parts.push(vec![room]),
                None => good.push(room),
            }
        }
        if !good.is_empty() {
            parts.push(good);
        }
        parts
    }

    fn add(&mut self, room: RoomId, error: &sqlx::Error) {
        let now = Instant::now();
        // Those without streams meanwhile are not asked for again.
        self.0.retain(|_, (until, _)| now < *until + LONGEST_REST);
        let rest = self.0.get(&room).map_or(FIRST_REST, |(_, rest)| (*rest * 2).min(LONGEST_REST));
        self.0.insert(room, (now + rest, rest));
        warn!(%room, "a room cannot be read for its streams, left alone for {rest:?}: {error}");
    }

    fn forget(&mut self, room: RoomId) {
        self.0.remove(&room);
    }
}

/// Behind the head, or before the first reading behind what the slowest stream has.
fn wanted(room: &Room) -> Wanted {
    let state = room.lock();
    let after = state.window.head().unwrap_or_else(|| state.slowest());
    Wanted { room: room.id, after, since: state.window.head_at() }
}

fn apply(hub: &Hub, room: &Room, page: Page) {
    if page.left {
        room.end();
        return;
    }
    let mut state = room.lock();
    let before = state.window.head();
    let more = state.window.read(entries(page.messages), page.last_seq);
    state.trim();
    let changed = state.window.head() != before;
    drop(state);
    if changed {
        room.wake();
    }
    if more {
        hub.look_at(room);
    }
}
