//! Following another service's events into this service's database.

use std::sync::Arc;

use contract::event::CloudEvent;
use sqlx::{PgConnection, PgPool};

use super::failure::Failure;
use super::progress::Progress;
use super::pull::Feed;
use super::status::Registered;
use super::worker::Worker;
use crate::platform::Platform;

/// What an event does to a service's database.
pub trait Handler: Send + Sync + 'static {
    /// Lets the event take effect within the transaction of `db`, which also stores that it has. Types of
    /// events that mean nothing here are `Ok`. A replay brings events again: an older `sequence` of an
    /// aggregate must never overwrite a newer one.
    ///
    /// # Errors
    /// See [`Failure`].
    fn apply(
        &self,
        db: &mut PgConnection,
        event: &CloudEvent,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What becomes of an aggregate's events behind one that was put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// They build on it, and are put aside, too.
    Parked,
    /// Each tells the whole state and the handler keeps the newest: they take effect.
    Taken,
}

/// A handler with its name and the service whose events it takes.
#[derive(Debug, Clone)]
pub struct Consumer<H> {
    /// Names its position in `consumer_position`: never changed, or everything is taken again.
    pub name: &'static str,
    /// The producer, by service name.
    pub source: &'static str,
    pub behind: Behind,
    pub handler: H,
}

/// Follows `source` until the service stops. Every event takes effect exactly once, in order per aggregate.
/// Of several replicas one works and the others stand by.
pub fn consume<H: Handler>(platform: &Platform, pool: PgPool, consumer: Consumer<H>) {
    let consumer = Arc::new(consumer);
    let progress = Progress::default();
    let replayer = Arc::clone(&consumer);
    platform.events().register(Registered {
        name: consumer.name,
        source: consumer.source,
        progress: progress.clone(),
        replay: Arc::new(move |pool, aggregate| {
            let consumer = Arc::clone(&replayer);
            Box::pin(async move { consumer.replay(&pool, aggregate).await })
        }),
    });
    let feed = Feed::new(platform, consumer.source);
    platform
        .tasks()
        .spawn_until_drain("consumer", Worker::new(consumer, feed, progress, pool).keep_working());
}
