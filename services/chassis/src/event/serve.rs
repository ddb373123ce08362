//! The tasks of a producer: numbering, retention, measuring.

use sqlx::PgPool;

use super::{gauges, retention, sequencer};
use crate::platform::Platform;

/// Numbers this service's events, keeps its outbox small and measures it, until the service stops. The routes
/// are part of [`crate::app()`] in every service with a database.
pub fn serve(platform: &Platform, pool: PgPool) {
    let (tasks, events) = (platform.tasks(), platform.events().clone());
    tasks.spawn_until_drain("sequencer", sequencer::keep_numbering(pool.clone(), events.clone()));
    tasks.spawn_until_drain("outbox-retention", retention::keep_dropping(pool.clone()));
    tasks.spawn_until_drain("outbox-gauges", gauges::keep_measuring(pool, platform.base().service, events));
}
