//! Kills a process again and again, each time while it is at work.

use std::time::Duration;

use rand::RngExt as _;
use sqlx::PgPool;
use testkit::eventually;

use super::process::{Run, Unit};
use crate::service::LIMIT;

/// After its first sign of work a process has up to so long, in milliseconds. The producer's first commit is only
/// the beginning: numbering and the feed come after.
const PRODUCER_SPARED_MS: u64 = 150;
const CONSUMER_SPARED_MS: u64 = 60;

/// Kills the producer so often. It is at work once it commits.
pub(super) async fn kill_producer(unit: &Unit, pool: &PgPool, kills: usize) -> Run {
    let mut run = unit.start();
    for _ in 0..kills {
        let before = committed(pool).await;
        eventually(LIMIT, || async { committed(pool).await > before }).await;
        spare(PRODUCER_SPARED_MS).await;
        run.kill();
        run = unit.start();
    }
    run
}

/// The same with the consumer. It is at work once its position grows.
pub(super) async fn kill_consumer(unit: &Unit, pool: &PgPool, kills: usize) -> Run {
    let mut run = unit.start();
    for _ in 0..kills {
        let before = position(pool).await;
        eventually(LIMIT, || async { position(pool).await > before }).await;
        spare(CONSUMER_SPARED_MS).await;
        run.kill();
        run = unit.start();
    }
    run
}

/// How much the producer has committed.
async fn committed(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select sum(version)::bigint from account").fetch_one(pool).await.unwrap()
}

/// How far the consumer has come.
pub(super) async fn position(pool: &PgPool) -> i64 {
    let select = "select coalesce(max(position), 0) from consumer_position";
    sqlx::query_scalar(select).fetch_one(pool).await.unwrap()
}

async fn spare(most_ms: u64) {
    let spared = rand::rng().random_range(0..most_ms);
    tokio::time::sleep(Duration::from_millis(spared)).await;
}
