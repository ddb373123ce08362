//! Tells the other instances: by Redis, and by PostgreSQL when Redis is not there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::redis::Redis;
use chassis::shutdown::{Drain, Hold};
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use tokio::time::sleep;
use uuid::Uuid;

use super::CHANNEL;
use super::outbox::Outbox;
use crate::live::persist::{Question, once};
use crate::repository::live::notify;

/// For one publication; what Redis is too slow for goes by PostgreSQL.
const REDIS_LIMIT: Duration = Duration::from_millis(250);
/// Between two notifications of the database, which commit one at a time over all its sessions. What comes meanwhile goes
/// together.
const SPACING: Duration = Duration::from_millis(5);
/// After nobody could be told. The others poll meanwhile.
const PAUSE: Duration = Duration::from_millis(250);

/// A service that stops waits so long for the others to be told. They find what was not by themselves.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Cheap to clone.
#[derive(Clone)]
pub(in crate::live) struct Mouth {
    untold: Arc<Mutex<Untold>>,
    more: Arc<Notify>,
    drain: Drain,
}

#[derive(Default)]
struct Untold {
    outbox: Outbox,
    /// The service stops after this was told: from the first word until nothing is left to tell.
    hold: Option<Hold>,
    /// It has waited long enough.
    is_late: bool,
}

impl Mouth {
    pub(in crate::live) fn new(drain: Drain) -> Self {
        Self { untold: Arc::default(), more: Arc::default(), drain }
    }

    /// Never waits for anybody.
    pub(in crate::live) fn tell(&self, what: impl FnOnce(&mut Outbox)) {
        {
            let mut untold = self.untold();
            what(&mut untold.outbox);
            if untold.hold.is_none() && !untold.is_late {
                untold.hold = Some(self.drain.hold());
            }
        }
        self.more.notify_one();
    }

    /// Lets a service stop that cannot tell anybody.
    pub(in crate::live) async fn release_in_time(self) {
        self.drain.begun().await;
        sleep(LAST_WORDS).await;
        let mut untold = self.untold();
        untold.is_late = true;
        untold.hold = None;
    }

    /// Publishes what there is, in parcels; what gathers during one goes with the next. Never ends.
    pub(in crate::live) async fn keep_telling(self, me: Uuid, redis: Redis, db: PgPool) {
        loop {
            self.more.notified().await;
            while let Some(parcel) = self.take(me) {
                let text = parcel.encode();
                if by_redis(&redis, &text).await {
                    continue;
                }
                if by_postgres(&db, &text).await {
                    sleep(SPACING).await;
                } else {
                    self.untold().outbox.take_back(parcel);
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Without anything left, all that was taken before is told.
    fn take(&self, me: Uuid) -> Option<super::wire::Parcel> {
        let mut untold = self.untold();
        if untold.outbox.is_empty() {
            untold.hold = None;
            return None;
        }
        Some(untold.outbox.take(me))
    }

    fn untold(&self) -> MutexGuard<'_, Untold> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether anybody has heard it. Where not even this instance listens, Redis has just come back.
async fn by_redis(redis: &Redis, text: &str) -> bool {
    let Some(link) = redis.link() else { return false };
    let publish = async |mut connection: ::redis::aio::MultiplexedConnection| {
        ::redis::cmd("PUBLISH").arg(CHANNEL).arg(text).query_async::<i64>(&mut connection).await
    };
    link.ask("PUBLISH", REDIS_LIMIT, publish).await.is_ok_and(|listeners| listeners > 0)
}

async fn by_postgres(db: &PgPool, text: &str) -> bool {
    once(db, &Notification(text)).await.is_ok()
}

struct Notification<'a>(&'a str);

impl Question for Notification<'_> {
    type Answer = ();

    async fn ask(&self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        notify(db, CHANNEL, self.0).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_held(mouth: &Mouth) -> bool {
        mouth.untold().hold.is_some()
    }

    fn say(mouth: &Mouth) {
        mouth.tell(|outbox| outbox.stored(Uuid::nil().into(), 1));
    }

    #[test]
    fn a_service_stops_after_what_there_is_was_told() {
        let mouth = Mouth::new(Drain::new(Duration::ZERO));
        assert!(!is_held(&mouth));
        for _ in 0..2 {
            say(&mouth);
            assert!(is_held(&mouth));
            assert!(mouth.take(Uuid::nil()).is_some());
            assert!(is_held(&mouth), "taken is not told");
            assert!(mouth.take(Uuid::nil()).is_none());
            assert!(!is_held(&mouth));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_can_tell_nobody_stops_all_the_same() {
        let drain = Drain::new(Duration::ZERO);
        let mouth = Mouth::new(drain.clone());
        say(&mouth);
        drain.begin();
        mouth.clone().release_in_time().await;
        assert!(!is_held(&mouth));
        say(&mouth);
        assert!(!is_held(&mouth), "it is too late");
    }
}
