//! What the rest of the service has of open streams.

use std::sync::Arc;

use chassis::identity::Revocations;
use chassis::shutdown::Drain;
use chassis::{Platform, db};
use contract::chat::Message;
use contract::claims::AccessClaims;
use contract::id::RoomId;
use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

use super::bus::{Ear, Mouth, Sureness};
use super::catch_up::{CatchUp, READERS};
use super::delivered::{self, Delivered, Marking};
use super::entry::Entry;
use super::hub::{Hub, Stats};
use super::meters::Meters;
use super::poll::Poll;
use super::subscription::Subscription;
use super::update::Signal;
use super::{reader, sweep};

/// Connections of the streams' own, so that they never wait for requests, nor requests for them: those of the
/// readers for streams that are behind, and one each for the room reader, for polling and marking, and for telling
/// others.
const CONNECTIONS: u32 = 3 + READERS;

/// The streams of this instance. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) hub: Arc<Hub>,
    pub(super) catch_up: Arc<CatchUp>,
    pub(super) revocations: Revocations,
    pub(super) drain: Drain,
    pub(super) meters: Meters,
    sureness: Sureness,
    mouth: Mouth,
    delivered: Delivered,
}

impl Live {
    /// Starts the tasks that keep streams current.
    pub fn start(platform: &Platform, db: &PgPool) -> Self {
        let (delivered, marking) = delivered::channel();
        let live = Self {
            inner: Arc::new(Inner {
                hub: Arc::new(Hub::new()),
                catch_up: Arc::default(),
                revocations: platform.identity().access.revocations().clone(),
                drain: platform.drain().clone(),
                meters: Meters::new(),
                sureness: Sureness::new(platform.redis().link().is_some()),
                mouth: Mouth::new(platform.drain().clone()),
                delivered,
            }),
        };
        let own = db::beside(db, CONNECTIONS);
        live.start_reading(platform, &own, marking);
        live.start_bus(platform, &own);
        live
    }

    /// Messages of one room, in order, that this process has committed: hands them to the streams here and wakes
    /// the other instances. Never waits.
    pub fn stored(&self, room: RoomId, messages: &[Arc<Message>]) {
        let Some(last) = messages.last() else { return };
        if let Some(room) = self.inner.hub.find(room) {
            let entries = messages.iter().map(|message| Arc::new(Entry::new(Arc::clone(message))));
            self.inner.hub.append(&room, entries);
        }
        self.inner.mouth.tell(|outbox| outbox.stored(room, last.sequence_number));
    }

    /// The room was left, which is committed: ends its streams, without a look at the database here.
    pub fn left(&self, room: RoomId) {
        if let Some(room) = self.inner.hub.find(room) {
            room.end();
        }
        self.inner.mouth.tell(|outbox| outbox.changed(room));
    }

    /// The room has changed otherwise.
    pub fn changed(&self, room: RoomId) {
        if let Some(room) = self.inner.hub.find(room) {
            self.inner.hub.look_at(&room);
        }
        self.inner.mouth.tell(|outbox| outbox.changed(room));
    }

    /// Tells everybody who listens to the room now, on every instance.
    pub fn tell(&self, room: RoomId, signal: Signal) {
        let signal = Arc::new(signal);
        if let Some(room) = self.inner.hub.find(room) {
            room.signal(Arc::clone(&signal));
        }
        self.inner.mouth.tell(|outbox| outbox.signal(room, signal));
    }

    /// The room's owner has got these replies, so their turns are owed no longer; no others are meant. Written a
    /// moment later, or not at all when there is too much to write: then the turns stay owed.
    pub fn delivered(&self, room: RoomId, replies: Vec<i64>) {
        self.inner.delivered.add(room, replies);
    }

    /// Follows a room from behind `after`, which must be no more than the room's newest sequence number. Nothing
    /// that is committed after that number was read is missed.
    pub fn subscribe(&self, room: RoomId, who: Arc<AccessClaims>, after: i64) -> Subscription {
        Subscription::new(Arc::clone(&self.inner), room, who, after)
    }

    /// Whether what other instances say is heard at once. While it is not, messages are found by asking, and signals
    /// are lost.
    pub fn hears_others(&self) -> bool {
        self.inner.sureness.is_sure()
    }

    pub fn stats(&self) -> Stats {
        self.inner.hub.stats()
    }

    fn start_reading(&self, platform: &Platform, db: &PgPool, marking: Marking) {
        let (tasks, inner) = (platform.tasks(), &self.inner);
        tasks.spawn_until_drain("stream reader", reader::keep_reading(Arc::clone(&inner.hub), db.clone()));
        for _ in 0..READERS {
            let reading = Arc::clone(&inner.catch_up).keep_reading(db.clone(), inner.meters.clone());
            tasks.spawn_until_drain("stream catch-up", reading);
        }
        tasks.spawn("delivered turns", marking.keep_marking(db.clone()));
        let (hub, revocations) = (Arc::clone(&inner.hub), inner.revocations.clone());
        tasks.spawn_until_drain("revoked streams", sweep::keep_sweeping(hub, revocations));
        tasks.spawn("draining streams", sweep::at_drain(Arc::clone(&inner.hub), inner.drain.clone()));
    }

    fn start_bus(&self, platform: &Platform, db: &PgPool) {
        let (tasks, redis) = (platform.tasks(), platform.redis());
        let subscription = redis.subscribe(tasks, Ear::CHANNELS);
        let ear = Ear {
            me: Uuid::new_v4(),
            hub: Arc::clone(&self.inner.hub),
            sureness: self.inner.sureness.clone(),
            due: Arc::new(Notify::new()),
            meters: self.inner.meters.clone(),
        };
        let poll = Poll {
            hub: Arc::clone(&ear.hub),
            db: db.clone(),
            sureness: ear.sureness.clone(),
            due: Arc::clone(&ear.due),
            meters: ear.meters.clone(),
        };
        tasks.spawn_until_drain("stream poll", poll.keep_polling());
        // Requests in flight are finished, and told, during the drain.
        tasks.spawn("last stream wakes", self.inner.mouth.clone().release_in_time());
        tasks.spawn("stream wakes", self.inner.mouth.clone().keep_telling(ear.me, redis.clone(), db.clone()));
        tasks.spawn_until_drain("stream notifications", ear.clone().keep_hearing_postgres(db.clone()));
        if let Some(subscription) = subscription {
            tasks.spawn_until_drain("stream subscription", ear.keep_hearing_redis(subscription));
        }
    }
}
