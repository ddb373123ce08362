//! Asks now and then how far the rooms with streams are: what bounds the cost of a lost wake.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use contract::id::RoomId;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::bus::Sureness;
use super::hub::Hub;
use super::meters::Meters;
use super::persist::{Question, once};
use super::room::Room;
use crate::repository::live::{Head, heads};

/// While wakes may be lost.
const OFTEN: Duration = Duration::from_secs(1);
/// While they arrive.
const SELDOM: Duration = Duration::from_secs(5);
/// Rooms of one statement.
const TOGETHER: usize = 1000;

/// What a poll needs.
pub(super) struct Poll {
    pub(super) hub: Arc<Hub>,
    pub(super) db: PgPool,
    pub(super) sureness: Sureness,
    /// Wakes were lost for sure: do not wait.
    pub(super) due: Arc<Notify>,
    pub(super) meters: Meters,
}

struct Heads(Vec<RoomId>);

impl Question for Heads {
    type Answer = Vec<Head>;

    async fn ask(&self, db: &mut PgConnection) -> Result<Vec<Head>, sqlx::Error> {
        heads(db, &self.0).await
    }
}

impl Poll {
    /// Never ends.
    pub(super) async fn keep_polling(self) {
        let mut ticks = interval(OFTEN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Instant::now();
        loop {
            let is_due = tokio::select! {
                _ = ticks.tick() => !self.sureness.is_sure() || last.elapsed() >= SELDOM,
                () = self.due.notified() => true,
            };
            // What every stream has got since the last message came must not wait for the next one.
            self.hub.trim();
            self.meters.update(self.hub.stats());
            if is_due {
                last = Instant::now();
                self.poll().await;
            }
        }
    }

    /// A poll that fails is made up for by the next one: while the database is away there is nothing to find.
    async fn poll(&self) {
        for rooms in self.hub.rooms().chunks(TOGETHER) {
            let heads = Heads(rooms.iter().map(|room| room.id).collect());
            let Ok(found) = once(&self.db, &heads).await else {
                self.due.notify_one();
                tokio::time::sleep(OFTEN).await;
                return;
            };
            let found: HashMap<RoomId, Head> = found.into_iter().map(|head| (head.room, head)).collect();
            for room in rooms {
                self.compare(room, found.get(&room.id));
            }
        }
    }

    fn compare(&self, room: &Room, head: Option<&Head>) {
        match head {
            Some(head) if !head.left => {
                if self.hub.heard_of(room, head.last_seq) {
                    self.meters.woken_by_poll.increment(1);
                }
            }
            Some(_) | None => room.end(),
        }
    }
}
