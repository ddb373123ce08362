//! Notes on what no longer fits into a model's view, made after a turn, when nobody waits.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::spawn::TaskSet;
use contract::chat::Agent;
use contract::id::RoomId;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use super::ask::Scene;
use super::assisted::Missing;
use super::bill::Bill;
use super::{Question, history, reading};
use crate::config::ModelConfig;
use crate::model::Model;
use crate::repository::history::between;
use crate::repository::memory::{self, Memory};
use crate::repository::prompt::InUse;

/// Summaries at once: turns come first.
const AT_ONCE: usize = 2;
/// Messages that go into one summary; what is left waits for the next.
const MOST_MESSAGES: i64 = 200;
/// What goes into one summary, by our estimate.
const MOST_TOKENS: u64 = 4000;
/// For reading and writing, beside the model's own limit.
const DATABASE_LIMIT: Duration = Duration::from_secs(5);

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Summaries {
    inner: Arc<Inner>,
}

struct Inner {
    model: Model,
    db: PgPool,
    tasks: TaskSet,
    /// More messages than this are summed up; `None` never.
    after: Option<i64>,
    places: Arc<Semaphore>,
    /// Rooms whose notes are being made here. Other instances may do the same; the newer notes stay.
    rooms: Mutex<HashSet<RoomId>>,
}

/// The right to make a room's notes.
struct Place {
    summaries: Summaries,
    room: RoomId,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.summaries.inner.rooms.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.room);
    }
}

impl Summaries {
    pub(super) fn new(model: Model, db: PgPool, tasks: TaskSet, config: &ModelConfig) -> Self {
        let after = Some(i64::from(config.summary_messages)).filter(|after| *after > 0);
        let (places, rooms) = (Arc::new(Semaphore::new(AT_ONCE)), Mutex::default());
        Self { inner: Arc::new(Inner { model, db, tasks, after, places, rooms }) }
    }

    /// Sums up what lies between `memory` and the message `from`, with which the model's view began, if that is much.
    pub(super) fn bring_up_to_date(
        &self,
        question: &Question,
        memory: Option<Memory>,
        from: i64,
        prompts: &[InUse],
    ) {
        let covered = memory.as_ref().map_or(0, |memory| memory.until_seq);
        let forgotten = from - 1 - covered;
        if self.inner.after.is_none_or(|after| forgotten <= after) {
            return;
        }
        // The next turn tries again.
        let Some(place) = self.place(question.room) else { return };
        let (this, question, prompts) = (self.clone(), question.clone(), prompts.to_vec());
        // Needs no farewell: what is not summed up is still in the room.
        self.inner.tasks.spawn_until_drain("summary", async move {
            let _place = place;
            match this.sum_up(&question, memory, from, &prompts).await {
                Ok(Some(until)) => debug!(room.id = %question.room, until, "summed up a room"),
                Ok(None) => {}
                Err(error) => warn!(room.id = %question.room, "failed to sum up a room: {error}"),
            }
        });
    }

    fn place(&self, room: RoomId) -> Option<Place> {
        let permit = self.inner.places.clone().try_acquire_owned().ok()?;
        let is_new = self.inner.rooms.lock().unwrap_or_else(PoisonError::into_inner).insert(room);
        is_new.then(|| Place { summaries: self.clone(), room, _permit: permit })
    }

    /// The number of the last message that the new notes cover.
    async fn sum_up(
        &self,
        question: &Question,
        memory: Option<Memory>,
        from: i64,
        prompts: &[InUse],
    ) -> anyhow::Result<Option<i64>> {
        let inner = &*self.inner;
        let covered = memory.as_ref().map_or(0, |memory| memory.until_seq);
        let said = timeout(DATABASE_LIMIT, async {
            between(&mut *inner.db.acquire().await?, question.room, covered, from, MOST_MESSAGES).await
        });
        let said = said.await??;
        let Some((transcript, until_seq)) = history::transcript(&said, MOST_TOKENS) else { return Ok(None) };
        let scene = Scene { bot: &question.bot, level: question.level, prompts };
        let ask = scene.summary(memory.as_ref().map(|memory| &*memory.summary), &transcript);
        let bill = Bill::new(question.user, None, inner.db.clone(), inner.tasks.clone());
        // The model has a limit of its own, which is shorter.
        let deadline = Instant::now() + Duration::from_mins(5);
        let answer = inner.model.ask(&ask.request, deadline, bill.meter()).await.map_err(Missing::Model);
        let summary =
            answer.and_then(|answer| reading::summary(&answer, &ask.nonce).map_err(Missing::Nonsense));
        let summary = match summary {
            Ok(summary) => summary,
            Err(missing) => {
                missing.tell(Agent::Summary);
                return Ok(None);
            }
        };
        let stored = timeout(DATABASE_LIMIT, async {
            let db = &mut *inner.db.acquire().await?;
            memory::store(db, question.room, &Memory { summary, until_seq }).await
        });
        Ok(stored.await??.then_some(until_seq))
    }
}
