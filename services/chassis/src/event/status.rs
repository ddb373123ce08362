//! What this process knows about its part in events: for waiting feeds, operators, health and metrics.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use contract::event::Head;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::watch;

use super::follower::Follower;
use super::letter::Replay;
use super::progress::Progress;
use crate::db;

/// Reading a page takes about a millisecond, and waiting for the next event holds no connection.
const READERS: u32 = 2;

/// Cheap to clone; one per process.
#[derive(Clone)]
pub(crate) struct Events {
    inner: Arc<Inner>,
}

struct Inner {
    /// The last position that this process knows to be given out.
    head: watch::Sender<i64>,
    /// Requests that wait for the next event.
    waiting: AtomicUsize,
    /// What feeds read with.
    readers: OnceLock<PgPool>,
    /// Of this service's outbox, as last measured; none without [`super::serve()`].
    outbox: Mutex<Option<Result<Head, String>>>,
    /// Bounded by the code: each is registered once, at the start.
    consumers: Mutex<Vec<Registered>>,
    followers: Mutex<Vec<Follower>>,
}

/// A consumer of this process, working or standing by.
#[derive(Clone)]
pub(super) struct Registered {
    pub(super) name: &'static str,
    pub(super) source: &'static str,
    pub(super) progress: Progress,
    pub(super) replay: Replay,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            inner: Arc::new(Inner {
                head: watch::channel(0).0,
                waiting: AtomicUsize::new(0),
                readers: OnceLock::new(),
                outbox: Mutex::default(),
                consumers: Mutex::default(),
                followers: Mutex::default(),
            }),
        }
    }
}

impl Events {
    /// Positions up to this one can be read. It is a lower one when the database was replaced.
    pub(super) fn reached(&self, position: i64) {
        self.inner.head.send_if_modified(|head| {
            let changed = position != *head;
            *head = position;
            changed
        });
    }

    /// Tells of every new position.
    pub(super) fn head(&self) -> watch::Receiver<i64> {
        self.inner.head.subscribe()
    }

    /// Counts one who waits for the next event, until the guard is dropped.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.inner.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting { events: self }
    }

    pub(super) fn is_waited_for(&self) -> bool {
        self.inner.waiting.load(Ordering::Relaxed) > 0
    }

    /// Connections for feeds, beside those of the service's requests.
    pub(super) fn readers(&self, requests: &PgPool) -> &PgPool {
        self.inner.readers.get_or_init(|| db::beside(requests, READERS))
    }

    pub(super) fn measured(&self, outbox: Result<Head, String>) {
        *locked(&self.inner.outbox) = Some(outbox);
    }

    pub(super) fn register(&self, consumer: Registered) {
        locked(&self.inner.consumers).push(consumer);
    }

    pub(super) fn consumers(&self) -> Vec<Registered> {
        locked(&self.inner.consumers).clone()
    }

    pub(super) fn consumer(&self, name: &str, source: &str) -> Option<Registered> {
        locked(&self.inner.consumers).iter().find(|c| c.name == name && c.source == source).cloned()
    }

    pub(super) fn add_follower(&self, follower: Follower) {
        locked(&self.inner.followers).push(follower);
    }

    pub(super) fn followers(&self) -> Vec<Follower> {
        locked(&self.inner.followers).clone()
    }

    /// Status and details for health; nothing in a service that takes no part.
    pub(crate) fn health(&self) -> Option<(&'static str, Value)> {
        let outbox = locked(&self.inner.outbox).clone();
        let (consumers, followers) = (self.consumers(), self.followers());
        if outbox.is_none() && consumers.is_empty() && followers.is_empty() {
            return None;
        }
        let failing = matches!(outbox, Some(Err(_))) || consumers.iter().any(|c| c.progress.is_failing());
        let mut details = json!({
            "consumers": consumers.iter().map(Registered::details).collect::<Vec<_>>(),
            "followers": followers.iter().map(Follower::details).collect::<Vec<_>>(),
        });
        match outbox {
            Some(Ok(head)) => {
                details["outbox"] = json!({
                    "lastPosition": head.last_position,
                    "unnumbered": head.unnumbered,
                    "unnumberedAgeMs": head.unnumbered_age_ms,
                });
            }
            Some(Err(error)) => details["outbox"] = json!({ "error": error }),
            None => {}
        }
        Some((if failing { "DOWN" } else { "UP" }, details))
    }
}

impl Registered {
    fn details(&self) -> Value {
        let mut details = self.progress.details();
        details["name"] = self.name.into();
        details["source"] = self.source.into();
        details
    }
}

/// See [`Events::wait`].
pub(super) struct Waiting<'a> {
    events: &'a Events,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.events.inner.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
