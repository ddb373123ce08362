//! Turns: the bot's answers, owed from the moment the learner's message is stored until a stream got them.
//!
//! A turn belongs to the process that took the message. It renews its lease every second; when it has died, another
//! process takes the turn over. However many work on a turn, the one that stores the answer first ends it, and the
//! others' answers are dropped.

mod answer;
mod worker;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::Platform;
use chassis::shutdown::Drain;
use chassis::spawn::TaskSet;
use contract::id::{RoomId, UserId};
use sqlx::PgPool;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout};
use tracing::warn;
use uuid::Uuid;

use crate::error::Error;
use crate::live::Live;
use crate::repository::message::{self, Batch, Outcome};
use crate::repository::turn;
use crate::responder::Responder;

/// How long a turn stays with a process that says nothing.
const LEASE: Duration = Duration::from_secs(4);
/// How often a process renews its leases, and looks for turns of those that did not.
const PATROL: Duration = Duration::from_secs(1);
/// A turn is not ended from outside before that.
const LEAST: Duration = Duration::from_secs(1);
/// Between two looks whether a turn of another instance has ended.
const LOOK: Duration = Duration::from_millis(100);

/// The learner's message was answered when this is dropped.
#[derive(Debug)]
pub struct Answered {
    _told: oneshot::Sender<std::convert::Infallible>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Turns {
    inner: Arc<Inner>,
}

struct Inner {
    db: PgPool,
    live: Live,
    responder: Responder,
    tasks: TaskSet,
    drain: Drain,
    /// Of this process, whose replica's name outlives it.
    owner: String,
    /// The turns that a task of this process works on.
    running: Mutex<HashSet<Uuid>>,
    /// A turn has ended here.
    ended: Notify,
}

impl Turns {
    /// Starts what renews leases and takes over the turns of instances that died.
    pub fn start(platform: &Platform, db: PgPool, live: Live, responder: Responder) -> Self {
        let owner = format!("{}/{}", platform.base().instance, Uuid::now_v7());
        let inner = Inner {
            db,
            live,
            responder,
            tasks: platform.tasks().clone(),
            drain: platform.drain().clone(),
            owner,
            running: Mutex::default(),
            ended: Notify::new(),
        };
        let turns = Self { inner: Arc::new(inner) };
        platform.tasks().spawn("turn-patrol", worker::patrol(turns.inner.clone()));
        turns
    }

    /// Stores messages; the last one's turn, if it opens one, is this process's.
    pub(crate) async fn store(
        &self,
        room: RoomId,
        sender: UserId,
        batch: &Batch,
    ) -> Result<Vec<Outcome>, sqlx::Error> {
        let Inner { db, owner, .. } = &*self.inner;
        message::store(db, room, sender, batch, owner, LEASE.as_secs_f64()).await
    }

    /// Works on a turn that [`Self::store`] has opened, and ends it when its message was answered 300 ms ago.
    pub(crate) fn begin(&self, turn: Uuid) -> Answered {
        let (told, answered) = oneshot::channel();
        worker::start(&self.inner, turn, answered);
        Answered { _told: told }
    }

    /// Waits for the end of the room's turn; at `deadline` it gets the tutor's answer and ends. A turn that has just
    /// begun has a second, whoever waits: its learner may not have heard yet that the message is stored.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn make_room(&self, room: RoomId, deadline: Instant) -> Result<(), Error> {
        loop {
            // Before the look, so that no end falls between.
            let ended = self.inner.ended.notified();
            let mut db = self.inner.db.acquire().await?;
            let Some(open) = turn::of_room(&mut db, room).await? else {
                return Ok(());
            };
            if Instant::now() >= deadline && open.age_secs >= LEAST.as_secs_f64() {
                let open = turn::open(&mut db, &[open.id]).await?;
                drop(db);
                for turn in open {
                    warn!(room.id = %room, "a message has waited long enough: the tutor ends the turn before it");
                    answer::end_by_rules(&self.inner, &turn).await?;
                }
                return Ok(());
            }
            drop(db);
            // Late is as good as never: the next look says how it is.
            let _ = timeout(LOOK, ended).await;
        }
    }
}

impl Inner {
    fn running(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
