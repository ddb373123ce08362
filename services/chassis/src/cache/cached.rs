//! The cache of one kind of entity.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::entries::{Entries, Find, Held, Lease};
use super::flight::{Flights, Seat};
use super::tally::Tally;
use crate::error::ApiError;
use crate::platform::Platform;
use crate::redis::Link;

/// How long it is remembered that the source has nothing.
const NOTHING: Duration = Duration::from_secs(5);
/// Entries that were made together do not end together.
const JITTER: f64 = 0.1;

/// What the source says, with the number that grows with every change of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    pub version: i64,
    pub value: T,
}

type Answer<T> = Result<Option<Arc<T>>, ApiError>;

/// Cheap to clone.
pub struct Cache<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    link: Option<Link>,
    entries: Entries,
    flights: Flights<Answer<T>>,
    /// Up to the id: `auth:v1:profile:`. The number is raised when `T` changes its form.
    prefix: String,
    ttl: Duration,
    tally: Tally,
}

impl<T> Clone for Cache<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Cache<T> {
    /// The cache of `entity`, shared by the replicas of the service. No entry becomes older than `ttl` and a
    /// tenth, counted from before the source was read.
    pub fn new(platform: &Platform, entity: &'static str, ttl: Duration) -> Self {
        let prefix = format!("{}:v1:{entity}:", platform.base().service);
        let link = platform.redis().link().cloned();
        let (entries, flights, tally) = (Entries::new(), Flights::new(), Tally::of(entity));
        Self { inner: Arc::new(Inner { link, entries, flights, prefix, ttl, tally }) }
    }

    /// What `id` is: from Redis, or else from `source`, which is asked once for all who want to know at the
    /// same time. `None` is an answer too, and is remembered for a few seconds.
    ///
    /// # Errors
    /// When the source fails. Who waited for another's attempt has it tried once more, because that one may
    /// have failed of its own impatience.
    pub async fn get<F, S>(&self, id: impl Display, source: S) -> Answer<T>
    where
        F: Future<Output = Result<Option<Versioned<T>>, ApiError>> + Send + 'static,
        S: Fn() -> F,
    {
        let key = format!("{}{id}", self.inner.prefix);
        let board = || {
            let fetch = || Arc::clone(&self.inner).fetch(key.clone(), source());
            self.inner.flights.board(&key, Instant::now(), fetch)
        };
        match board() {
            Seat::Pilot(answer) => answer.await,
            Seat::Passenger(answer) => match answer.await {
                Ok(found) => Ok(found),
                Err(_anothers) => match board() {
                    Seat::Pilot(answer) | Seat::Passenger(answer) => answer.await,
                },
            },
        }
    }

    /// The age that no entry reaches.
    pub(super) fn oldest(&self) -> Duration {
        self.inner.ttl.mul_f64(1.0 + JITTER)
    }

    /// Forgets what is older than `version`, here and in Redis, and keeps readers who are under way from putting
    /// it back. To be called after the change is committed. What Redis misses of this because it is away, the
    /// entry's age bounds.
    pub async fn invalidate(&self, id: impl Display, version: i64) {
        let key = format!("{}{id}", self.inner.prefix);
        if let Some(link) = &self.inner.link
            && let Ok(true) = self.inner.entries.drop(link, &key, version).await
        {
            self.inner.tally.eviction.increment(1);
        }
        // Last, because until now a flight could have found the old entry.
        self.inner.flights.close_boarding(&key);
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Inner<T> {
    async fn fetch<F>(self: Arc<Self>, key: String, source: F) -> Answer<T>
    where
        F: Future<Output = Result<Option<Versioned<T>>, ApiError>> + Send,
    {
        let lease = match self.look(&key).await {
            Look::Hit(found) => {
                self.tally.hit.increment(1);
                return Ok(found.map(Arc::new));
            }
            Look::Miss(lease) => {
                self.tally.miss.increment(1);
                Some(lease)
            }
            Look::Bypass => {
                self.tally.bypass.increment(1);
                None
            }
        };
        let found = source.await?;
        if let (Some(link), Some(lease)) = (&self.link, lease) {
            self.keep(link, &key, &lease, found.as_ref()).await;
        }
        Ok(found.map(|found| Arc::new(found.value)))
    }

    async fn look(&self, key: &str) -> Look<T> {
        let Some(link) = &self.link else {
            return Look::Bypass;
        };
        match self.entries.look(link, key, rand::random()).await {
            Ok(Held::Value(json)) => {
                // What another version of this code wrote is left to age.
                serde_json::from_str(&json).map_or(Look::Bypass, |value| Look::Hit(Some(value)))
            }
            Ok(Held::Nothing) => Look::Hit(None),
            Ok(Held::Lease(lease)) => Look::Miss(lease),
            // The link has told.
            Err(_lost) => Look::Bypass,
        }
    }

    /// The answer does not depend on it, so nothing that goes wrong here matters.
    async fn keep(&self, link: &Link, key: &str, lease: &Lease, found: Option<&Versioned<T>>) {
        let jitter = rand::random_range(1.0 - JITTER..=1.0 + JITTER);
        let kept = if let Some(Versioned { version, value }) = found {
            let Ok(json) = serde_json::to_string(value) else {
                return;
            };
            let find = Find::Value { version: *version, json: &json };
            self.entries.put(link, key, lease, &find, self.ttl.mul_f64(jitter)).await
        } else {
            let ttl = self.ttl.min(NOTHING).mul_f64(jitter);
            self.entries.put(link, key, lease, &Find::Nothing, ttl).await
        };
        if kept.is_ok_and(|kept| kept) {
            self.tally.put.increment(1);
        }
    }
}

/// What a look into Redis came to.
enum Look<T> {
    Hit(Option<T>),
    Miss(Lease),
    Bypass,
}
