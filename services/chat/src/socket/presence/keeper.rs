//! The task that tells the database of this instance's connections, and the rooms of what has changed in them.

use std::collections::HashSet;
use std::time::Duration;

use chassis::shutdown::Drain;
use contract::id::RoomId;
use sqlx::PgPool;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::Pace;
use super::registry::Registry;
use crate::live::{Live, Signal};
use crate::repository::presence::{self, Online};

/// In one statement.
const AT_ONCE: usize = 500;
/// After a failure. Soon enough to be back before the lease runs out.
const RETRY: Duration = Duration::from_secs(1);

pub(super) struct Keeper {
    instance: String,
    db: PgPool,
    live: Live,
    registry: Registry,
    pace: Pace,
    /// When the lease was last renewed, before the statement was sent.
    renewed: Option<Instant>,
    /// When to look at the leases again.
    due: Instant,
    /// Rooms that have changed and do not know it yet.
    rooms: HashSet<RoomId>,
    /// Rooms to be told a second time with the next beat: signals get lost, and two instances that tell a room at
    /// the same time may be heard in the wrong order. Streams skip what they know.
    again: HashSet<RoomId>,
    failing: bool,
}

impl Keeper {
    pub(super) fn new(instance: String, db: PgPool, live: Live, registry: Registry, pace: Pace) -> Self {
        let due = Instant::now();
        let (rooms, again) = (HashSet::new(), HashSet::new());
        Self { instance, db, live, registry, pace, renewed: None, due, rooms, again, failing: false }
    }

    /// Until the drain has begun and nobody is connected any more.
    pub(super) async fn run(mut self, drain: Drain) {
        loop {
            tokio::select! {
                () = self.registry.changed() => sleep(self.pace.debounce).await,
                () = sleep_until(self.due), if self.is_needed() => {}
                () = drain.begun(), if self.registry.is_empty() => break,
            }
            self.round().await;
        }
        self.leave().await;
    }

    /// An instance that never had a connection keeps quiet.
    fn is_needed(&self) -> bool {
        let all_told = self.registry.is_told() && self.rooms.is_empty() && self.again.is_empty();
        !(self.registry.is_empty() && all_told)
    }

    async fn round(&mut self) {
        let outcome = self.try_round().await;
        match outcome {
            Ok(()) if self.failing => {
                self.failing = false;
                info!("presence is current again");
            }
            Ok(()) => {}
            Err(error) => {
                if !self.failing {
                    self.failing = true;
                    warn!("presence is not current: {error}");
                }
                self.due = Instant::now() + RETRY;
            }
        }
    }

    async fn try_round(&mut self) -> Result<(), sqlx::Error> {
        let mut second = HashSet::new();
        if self.renewed.is_none() || self.due <= Instant::now() {
            self.beat().await?;
            second = std::mem::take(&mut self.again);
        }
        self.write().await?;
        self.again.extend(self.rooms.iter().copied());
        self.rooms.extend(second);
        self.tell().await
    }

    async fn beat(&mut self) -> Result<(), sqlx::Error> {
        let now = Instant::now();
        let mut db = self.db.acquire().await?;
        let lease_ms = self.pace.lease.as_secs_f64() * 1000.0;
        let beat = presence::beat(&mut db, &self.instance, lease_ms).await?;
        // While the lease was not renewed in time, nobody counted our connections.
        if beat.fresh || self.renewed.is_none_or(|at| now - at > self.pace.lease) {
            self.registry.forget();
        }
        self.renewed = Some(now);
        self.rooms.extend(presence::reap(&mut db, &self.instance).await?);
        // The first lease that runs out is looked after at once.
        let next =
            beat.next_end_ms.map_or(self.pace.beat, |ms| Duration::from_secs_f64(ms.max(0.0) / 1000.0));
        self.due = now + next.clamp(self.pace.beat / 10, self.pace.beat);
        Ok(())
    }

    async fn write(&mut self) -> Result<(), sqlx::Error> {
        loop {
            let connections = self.registry.take(AT_ONCE);
            if connections.is_empty() {
                return Ok(());
            }
            let written = match self.db.acquire().await {
                Ok(mut db) => presence::set(&mut db, &self.instance, &connections).await,
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                self.registry.put_back(&connections);
                // Whatever it was, others having taken us for dead is among it.
                self.renewed = None;
                return Err(error);
            }
            self.rooms.extend(connections.iter().map(|row| row.room));
        }
    }

    async fn tell(&mut self) -> Result<(), sqlx::Error> {
        while !self.rooms.is_empty() {
            let rooms: Vec<_> = self.rooms.iter().take(AT_ONCE).copied().collect();
            let online = presence::online(&mut *self.db.acquire().await?, &rooms).await?;
            for Online { room, mut users } in online {
                users.sort_unstable();
                self.live.tell(room, Signal::Presence { online: users });
            }
            for room in &rooms {
                self.rooms.remove(room);
            }
        }
        Ok(())
    }

    /// Nobody waits for a lease that is given back.
    async fn leave(&mut self) {
        if self.is_needed() {
            self.round().await;
        }
        if self.renewed.is_none() {
            return;
        }
        let left = match self.db.acquire().await {
            Ok(mut db) => presence::leave(&mut db, &self.instance).await,
            Err(error) => Err(error),
        };
        if let Err(error) = left {
            info!("this instance's lease will run out by itself: {error}");
        }
    }
}
