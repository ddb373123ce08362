//! Executions as they go on, for whoever watches. Everything is read from the database, so any instance can tell of an
//! execution that another one runs.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use chassis::Platform;
use chassis::extract::CurrentUser;
use chassis::identity::{Identity, TokenError};
use chassis::shutdown::Drain;
use contract::batch::Execution;
use futures_util::Stream;
use futures_util::stream;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::warn;

use crate::repository::execution_view;

/// Silence is never longer.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// Between two looks.
const POLL: Duration = Duration::from_millis(500);
/// Streams of one instance: so many looks every [`POLL`] are nothing to the database. People watch, not programs.
const MOST: usize = 64;
/// Looks in a row that fail before a stream ends: a database that is restarted is back by then.
const FAILURES: u32 = 60;
/// A client of an instance that stops comes back after so many milliseconds, not all at once.
const RETRY_MS: std::ops::RangeInclusive<u64> = 300..=1500;

/// Streams of this instance. Cheap to clone.
#[derive(Clone)]
pub struct Streams {
    db: PgPool,
    identity: Identity,
    drain: Drain,
    places: Arc<Semaphore>,
}

impl Streams {
    pub fn new(platform: &Platform, db: PgPool) -> Self {
        let (identity, drain) = (platform.identity().clone(), platform.drain().clone());
        Self { db, identity, drain, places: Arc::new(Semaphore::new(MOST)) }
    }

    /// The events of an execution from here on; none when too many watch already. `user` is whose token has to stay
    /// good.
    pub fn open(
        &self,
        now: Execution,
        user: Option<CurrentUser>,
    ) -> Option<impl Stream<Item = Result<Event, Infallible>> + use<>> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let mut looks = interval(POLL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let telling = Telling::begin(now);
        let following = Following { streams: self.clone(), user, telling, looks, failures: 0, _place: place };
        Some(stream::unfold(following, |mut following| async {
            let event = following.next().await?;
            Some((Ok(event), following))
        }))
    }
}

/// A stream under way. Nothing is read while its client takes nothing.
struct Following {
    streams: Streams,
    user: Option<CurrentUser>,
    telling: Telling,
    looks: Interval,
    failures: u32,
    _place: OwnedSemaphorePermit,
}

impl Following {
    /// `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.telling.waiting.pop_front() {
                return Some(event);
            }
            if self.telling.over {
                return None;
            }
            tokio::select! {
                () = self.streams.drain.begun() => self.telling.leave(),
                _ = self.looks.tick() => self.look().await,
            }
        }
    }

    async fn look(&mut self) {
        if self.is_refused().await {
            self.telling.over = true;
            return;
        }
        match self.read().await {
            Ok(found) => {
                self.failures = 0;
                self.telling.take(found);
            }
            Err(error) => {
                self.failures += 1;
                if self.failures == 1 {
                    warn!(%error, execution.id = %self.telling.last.id, "failed to look at an execution that is watched");
                }
                self.telling.over = self.failures >= FAILURES;
            }
        }
    }

    async fn read(&self) -> Result<Option<Execution>, sqlx::Error> {
        let mut db = self.streams.db.acquire().await?;
        execution_view::get(&mut db, self.telling.last.id).await
    }

    /// Whether the token was revoked since. That it has expired ends nothing, and neither does not knowing.
    async fn is_refused(&self) -> bool {
        let Some(CurrentUser(claims)) = &self.user else { return false };
        matches!(self.streams.identity.access.recheck(claims).await, Err(TokenError::Invalid(_)))
    }
}

/// What is told of an execution. Pure.
struct Telling {
    last: Execution,
    /// At most two: the last of it, and the end.
    waiting: VecDeque<Event>,
    over: bool,
}

impl Telling {
    fn begin(now: Execution) -> Self {
        let mut telling = Self { last: now, waiting: VecDeque::new(), over: false };
        telling.tell();
        telling
    }

    /// What was found; nothing when it is there no more.
    fn take(&mut self, found: Option<Execution>) {
        match found {
            Some(found) if found != self.last => {
                self.last = found;
                self.tell();
            }
            Some(_same) => {}
            None => self.over = true,
        }
    }

    fn tell(&mut self) {
        self.waiting.push_back(event("progress", &self.last));
        if !self.last.status.is_running() {
            self.waiting.push_back(event("end", &self.last));
            self.over = true;
        }
    }

    /// This instance stops; another one goes on telling.
    fn leave(&mut self) {
        let pause = Duration::from_millis(rand::random_range(RETRY_MS));
        self.waiting.push_back(Event::default().retry(pause));
        self.over = true;
    }
}

fn event(name: &str, execution: &Execution) -> Event {
    Event::default().event(name).json_data(execution).expect("an execution has string keys only")
}
