//! Hears the other instances: both ways, always, because each of them chooses by what it sees itself.

use std::sync::Arc;
use std::time::Duration;

use chassis::redis::{Heard, Subscription};
use metrics::Counter;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use sqlx::{Executor as _, PgPool};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};
use uuid::Uuid;

use super::CHANNEL;
use super::sureness::Sureness;
use super::wire::Parcel;
use crate::live::hub::Hub;
use crate::live::meters::Meters;

/// Between two signs of life of the listening connection: one can die in silence.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// For a sign of life, and for connecting.
const LIMIT: Duration = Duration::from_secs(2);
/// From a loss, or a failed attempt, to the next attempt.
const COOL_DOWN: Duration = Duration::from_millis(500);

/// Cheap to clone.
#[derive(Clone)]
pub(in crate::live) struct Ear {
    pub(in crate::live) me: Uuid,
    pub(in crate::live) hub: Arc<Hub>,
    pub(in crate::live) sureness: Sureness,
    /// Every room has to be looked at.
    pub(in crate::live) due: Arc<Notify>,
    pub(in crate::live) meters: Meters,
}

/// How something was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::live) enum Way {
    Redis,
    Postgres,
}

impl Ear {
    /// What to subscribe to in Redis.
    pub(in crate::live) const CHANNELS: &[&str] = &[CHANNEL];

    /// Never ends.
    pub(in crate::live) async fn keep_hearing_redis(self, mut subscription: Subscription) {
        let mut up = subscription.up();
        loop {
            self.sureness.set_redis(*up.borrow_and_update());
            tokio::select! {
                heard = subscription.next() => match heard {
                    Heard::Gap => self.due.notify_one(),
                    Heard::Message { payload, .. } => self.hear(Way::Redis, &payload),
                },
                // Its sender is gone only when the service stops.
                Ok(()) = up.changed() => {}
            }
        }
    }

    /// Listens on a connection of its own, and on another one after a loss. Never ends.
    pub(in crate::live) async fn keep_hearing_postgres(self, db: PgPool) {
        let mut told = false;
        loop {
            match timeout(LIMIT, connect(&db)).await.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
                Ok(listener) => {
                    told = false;
                    self.sureness.set_postgres(true);
                    // What was said while nobody listened.
                    self.due.notify_one();
                    self.listen(listener).await;
                    self.sureness.set_postgres(false);
                    info!("not hearing the database's notifications any longer, trying again");
                }
                Err(error) if !told => {
                    told = true;
                    warn!("not hearing the database's notifications: {error}");
                }
                Err(_) => {}
            }
            sleep(COOL_DOWN).await;
        }
    }

    /// Until the connection is lost.
    async fn listen(&self, mut listener: PgListener) {
        listener.eager_reconnect(false);
        loop {
            match timeout(HEARTBEAT, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => self.hear_notification(&notification),
                Ok(Ok(None) | Err(_)) => return,
                Err(_silence) => {
                    if !matches!(timeout(LIMIT, listener.execute("select 1")).await, Ok(Ok(_))) {
                        return;
                    }
                }
            }
        }
    }

    fn hear_notification(&self, notification: &PgNotification) {
        self.hear(Way::Postgres, notification.payload().as_bytes());
    }

    fn hear(&self, way: Way, payload: &[u8]) {
        let Some(parcel) = Parcel::decode(payload) else {
            warn!("what was published on {CHANNEL} is not ours");
            return;
        };
        if parcel.from == self.me {
            return;
        }
        if parcel.everything {
            self.due.notify_one();
        }
        let woken = self.wakes(way);
        for (room, seq) in parcel.rooms {
            if let Some(room) = self.hub.find(room)
                && self.hub.heard_of(&room, seq)
            {
                woken.increment(1);
            }
        }
        for room in parcel.changed {
            if let Some(room) = self.hub.find(room) {
                self.hub.look_at(&room);
                woken.increment(1);
            }
        }
        for (room, signal) in parcel.signals {
            if let Some(room) = self.hub.find(room) {
                room.signal(Arc::new(signal));
            }
        }
    }

    fn wakes(&self, way: Way) -> &Counter {
        match way {
            Way::Redis => &self.meters.woken_by_redis,
            Way::Postgres => &self.meters.woken_by_postgres,
        }
    }
}

/// With a pool of its own for each attempt: a listener that died keeps its connection's place until the system
/// gives the connection up.
async fn connect(db: &PgPool) -> Result<PgListener, sqlx::Error> {
    let options = (*db.connect_options()).clone();
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.ignore_pool_close_event(true);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
