//! Old events leave by the partition.

use std::time::Duration;

use chrono::Utc;
use sqlx::PgPool;
use tracing::{info, warn};

use super::outbox;

/// How long events are kept at least. A consumer that was away for longer has to begin anew.
pub(super) const KEPT: Duration = Duration::from_hours(7 * 24);
const EVERY: Duration = Duration::from_hours(1);

/// Drops what is old until dropped itself.
pub(super) async fn keep_dropping(pool: PgPool) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match drop_older(&pool, KEPT).await {
            Ok(0) => {}
            Ok(dropped) => info!(dropped, "dropped {dropped} old partitions of the outbox"),
            // Somebody reads or writes without a pause of 2 s, or the database is away.
            Err(error) => warn!("old events are not dropped yet: {error}"),
        }
    }
}

/// Drops the partitions in which every event is older than `kept`, and says how many there were.
///
/// # Errors
/// When the database does not answer, or somebody holds a partition for longer than the lock timeout.
pub async fn drop_older(pool: &PgPool, kept: Duration) -> Result<i32, sqlx::Error> {
    let keep_from = outbox::position_before(pool, Utc::now() - kept).await? + 1;
    sqlx::query_scalar("select drop_outbox_partitions($1)").bind(keep_from).fetch_one(pool).await
}
