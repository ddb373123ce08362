//! Old events leave: by the partition where there are many, one by one where a partition takes years to fill. Events say
//! who somebody is, and are not to be there when the account has long forgotten it.

use std::time::Duration;

use chrono::Utc;
use sqlx::PgPool;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tracing::{info, warn};

use super::outbox;

/// How long events are kept at least. A consumer that was away for longer has to begin anew.
pub(super) const KEPT: Duration = Duration::from_hours(7 * 24);
/// How long events are kept at most. By then a busy service has dropped the partition.
pub(super) const LONGEST: Duration = Duration::from_hours(30 * 24);
/// Events that one statement deletes.
const AT_ONCE: i64 = 10_000;
const EVERY: Duration = Duration::from_hours(1);

/// Drops what is old until dropped itself.
pub(super) async fn keep_dropping(pool: PgPool) {
    // Not at once: who starts together with us after a month still gets what it has not taken.
    let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match drop_older(&pool, KEPT).await {
            Ok(0) => {}
            Ok(dropped) => info!(dropped, "dropped {dropped} old partitions of the outbox"),
            // Somebody reads or writes without a pause of 2 s, or the database is away.
            Err(error) => warn!("old events are not dropped yet: {error}"),
        }
        match delete_older(&pool, LONGEST).await {
            Ok(0) => {}
            Ok(deleted) => info!(deleted, "deleted {deleted} old events of the outbox"),
            Err(error) => warn!("old events are not deleted yet: {error}"),
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

/// Deletes events that are older than `kept`, and says how many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_older(pool: &PgPool, kept: Duration) -> Result<u64, sqlx::Error> {
    let old = outbox::position_before(pool, Utc::now() - kept).await?;
    let mut deleted = 0;
    loop {
        let gone = sqlx::query(
            "delete from outbox
             where position in (select position from outbox where position <= $1 order by position limit $2)",
        )
        .bind(old)
        .bind(AT_ONCE)
        .execute(pool)
        .await?
        .rows_affected();
        deleted += gone;
        if gone < AT_ONCE.unsigned_abs() {
            return Ok(deleted);
        }
    }
}
