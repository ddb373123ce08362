//! Which rooms have streams on this instance, and which of them the reader has to look at.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::claims::AccessClaims;
use contract::id::RoomId;
use tokio::sync::Notify;

use super::entry::Entry;
use super::room::{Room, Seat, State};
use super::window::{Appended, Scale};

/// So many locks for all rooms, so that opening and closing streams do not wait for each other.
const SHARDS: usize = 16;

type Shard = HashMap<RoomId, Arc<Room>>;

pub(super) struct Hub {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    scale: Scale,
    /// Rooms marked as dirty, each about once.
    dirty: Mutex<VecDeque<RoomId>>,
    more: Notify,
}

/// A stream's entry to a room.
pub(super) struct Entrance {
    pub(super) room: Arc<Room>,
    pub(super) seat: Arc<Seat>,
    pub(super) next_signal: u64,
}

/// What there is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    pub rooms: usize,
    pub streams: usize,
    /// Messages in the windows of all rooms.
    pub messages: usize,
    /// What they weigh, in bytes.
    pub bytes: usize,
}

impl Hub {
    pub(super) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            scale: Scale::default(),
            dirty: Mutex::default(),
            more: Notify::new(),
        }
    }

    /// Adds a stream. A room that had none is read at once: what was committed since `after` was read was told to
    /// nobody here.
    pub(super) fn enter(&self, room: RoomId, who: Arc<AccessClaims>, after: i64) -> Entrance {
        let mut shard = self.shard(room);
        let found = shard.entry(room).or_insert_with(|| Arc::new(Room::new(room, self.scale.clone())));
        let found = Arc::clone(found);
        let mut state = found.lock();
        let (seat, next_signal) = (state.add_seat(who, after), state.next_signal());
        if state.window.head().is_none_or(|head| head < after) {
            self.mark(room, &mut state);
        }
        drop(state);
        Entrance { room: found, seat, next_signal }
    }

    pub(super) fn leave(&self, room: &Room, seat: &Seat) {
        let mut shard = self.shard(room.id);
        if room.lock().remove_seat(seat) {
            shard.remove(&room.id);
        }
    }

    pub(super) fn find(&self, room: RoomId) -> Option<Arc<Room>> {
        self.shard(room).get(&room).cloned()
    }

    pub(super) fn rooms(&self) -> Vec<Arc<Room>> {
        let shards = self.shards.iter();
        shards.flat_map(|shard| lock(shard).values().cloned().collect::<Vec<_>>()).collect()
    }

    /// Hands what was committed here to the streams of its room.
    pub(super) fn append(&self, room: &Room, entries: impl IntoIterator<Item = Arc<Entry>>) {
        let mut state = room.lock();
        match state.window.append(entries) {
            Appended::Grown => {
                state.trim();
                drop(state);
                room.wake();
            }
            Appended::Known => {}
            Appended::Gap => self.mark(room.id, &mut state),
        }
    }

    /// Has the room read if it lacks `seq`, and says so.
    pub(super) fn heard_of(&self, room: &Room, seq: i64) -> bool {
        let mut state = room.lock();
        let lacks = state.window.head().is_none_or(|head| head < seq);
        if lacks {
            self.mark(room.id, &mut state);
        }
        lacks
    }

    /// Has the room read, whatever is known of it.
    pub(super) fn look_at(&self, room: &Room) {
        self.mark(room.id, &mut room.lock());
    }

    fn mark(&self, room: RoomId, state: &mut State) {
        if !state.dirty && !state.left {
            state.dirty = true;
            lock(&self.dirty).push_back(room);
            self.more.notify_one();
        }
    }

    /// Waits for rooms that have to be read: at most `limit`, no longer marked.
    pub(super) async fn dirty(&self, limit: usize) -> Vec<Arc<Room>> {
        loop {
            let more = self.more.notified();
            let rooms = self.take_dirty(limit);
            if !rooms.is_empty() {
                return rooms;
            }
            more.await;
        }
    }

    fn take_dirty(&self, limit: usize) -> Vec<Arc<Room>> {
        let mut rooms = Vec::new();
        while rooms.len() < limit {
            let Some(room) = lock(&self.dirty).pop_front() else { break };
            // Without streams meanwhile, or marked twice because it was without for a while.
            let Some(room) = self.find(room) else { continue };
            if std::mem::take(&mut room.lock().dirty) {
                rooms.push(room);
            }
        }
        rooms
    }

    /// Lets go of what every stream has got.
    pub(super) fn trim(&self) {
        for room in self.rooms() {
            room.lock().trim();
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let rooms = self.rooms();
        let mut stats = Stats { rooms: rooms.len(), bytes: self.scale.total(), ..Stats::default() };
        for room in rooms {
            let room = room.lock();
            stats.streams += room.seats();
            stats.messages += room.window.len();
        }
        stats
    }

    fn shard(&self, room: RoomId) -> MutexGuard<'_, Shard> {
        // A remainder: far below 2^32.
        let at = self.hasher.hash_one(room) % SHARDS as u64;
        lock(&self.shards[usize::try_from(at).unwrap_or(0)])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use contract::chat::{ContentType, Message, SenderType};
    use contract::user::Role;
    use futures_util::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn anybody() -> Arc<AccessClaims> {
        Arc::new(AccessClaims {
            iss: String::new(),
            aud: String::new(),
            sub: Uuid::nil().into(),
            sid: Uuid::nil().into(),
            jti: Uuid::nil().into(),
            iat: 0,
            exp: 0,
            email: String::new(),
            name: String::new(),
            role: Role::User,
        })
    }

    fn room(n: u128) -> RoomId {
        Uuid::from_u128(n).into()
    }

    fn entry(seq: i64) -> Arc<Entry> {
        Arc::new(Entry::new(Arc::new(Message {
            id: Uuid::nil().into(),
            chatroom_id: Uuid::nil().into(),
            sender_type: SenderType::System,
            sender_id: None,
            content: "x".to_owned(),
            content_type: ContentType::Text,
            sequence_number: seq,
            is_edited: false,
            is_deleted: false,
            created_at: chrono::DateTime::UNIX_EPOCH,
            metadata: None,
        })))
    }

    /// Rooms that have to be read, without waiting.
    fn dirty(hub: &Hub) -> Vec<RoomId> {
        hub.dirty(10).now_or_never().unwrap_or_default().iter().map(|room| room.id).collect()
    }

    /// A room that was read, with a stream.
    fn read(hub: &Hub, n: u128, head: i64) -> Entrance {
        let entrance = hub.enter(room(n), anybody(), head);
        assert_eq!(dirty(hub), [room(n)]);
        assert!(!entrance.room.lock().window.read(Vec::new(), head));
        entrance
    }

    #[test]
    fn the_first_stream_has_its_room_read_and_so_has_one_that_knows_more() {
        let hub = Hub::new();
        let first = read(&hub, 1, 5);
        for (after, expected) in [(5, &[][..]), (3, &[]), (6, &[room(1)])] {
            hub.enter(room(1), anybody(), after);
            assert_eq!(dirty(&hub), expected, "behind {after}");
        }
        assert_eq!(hub.stats(), Stats { rooms: 1, streams: 4, messages: 0, bytes: 0 });
        hub.leave(&first.room, &first.seat);
        assert_eq!(hub.stats().streams, 3);
    }

    #[test]
    fn the_last_stream_takes_its_room_along_and_the_next_one_has_it_read_again() {
        let hub = Hub::new();
        for _ in 0..2 {
            let entrances =
                [read(&hub, 1, 5), hub.enter(room(1), anybody(), 5), hub.enter(room(1), anybody(), 5)];
            hub.append(&entrances[0].room, [entry(6)]);
            for entrance in [&entrances[1], &entrances[0], &entrances[2]] {
                hub.leave(&entrance.room, &entrance.seat);
            }
            drop(entrances);
            assert_eq!(hub.stats(), Stats::default());
        }
    }

    #[test]
    fn only_what_is_lacking_is_read_and_once() {
        let hub = Hub::new();
        let Entrance { room: found, .. } = read(&hub, 1, 5);
        assert!(!hub.heard_of(&found, 5), "it is here");
        assert!(hub.heard_of(&found, 6) && hub.heard_of(&found, 7));
        hub.append(&found, [entry(9)]);
        assert_eq!(dirty(&hub), [room(1)]);
        assert_eq!(dirty(&hub), []);
        hub.append(&found, [entry(6), entry(7)]);
        assert!(!hub.heard_of(&found, 7));
        hub.look_at(&found);
        assert_eq!(dirty(&hub), [room(1)]);
        found.end();
        hub.look_at(&found);
        assert_eq!(dirty(&hub), [], "nobody needs what follows the end");
    }
}
