//! Kills a process again and again, each time while it is at work.

use rand::RngExt as _;
use sqlx::PgPool;
use testkit::eventually;

use super::process::{Run, Unit};
use crate::service::LIMIT;

/// A process is spared until it has got up to so much further. The producer's first commit is only the beginning:
/// numbering and the feed come after.
const COMMITS: i64 = 20;
const EVENTS: i64 = 10;

/// Kills the producer so often, each time while it commits.
pub(super) async fn kill_producer(unit: &Unit, pool: &PgPool, kills: usize) -> Run {
    let mut run = unit.start();
    for _ in 0..kills {
        let spared_until = committed(pool).await + rand::rng().random_range(0..COMMITS);
        eventually(LIMIT, || async { committed(pool).await > spared_until }).await;
        run.kill();
        run = unit.start();
    }
    run
}

/// The same with the consumer, while its position grows.
pub(super) async fn kill_consumer(unit: &Unit, pool: &PgPool, kills: usize) -> Run {
    let mut run = unit.start();
    for _ in 0..kills {
        let spared_until = position(pool).await + rand::rng().random_range(0..EVENTS);
        eventually(LIMIT, || async { position(pool).await > spared_until }).await;
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
