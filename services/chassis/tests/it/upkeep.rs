//! Upkeep of a service that keeps nothing but answers for requests that come again.

use std::time::Duration;

use chassis::upkeep::{IdempotencyKeys, Upkeep};
use sqlx::PgPool;
use testkit::{TestDb, eventually};

use crate::fixture;

const UPKEEP: Upkeep<IdempotencyKeys> = Upkeep::new("auth", &[IdempotencyKeys]);

/// One that is good for a minute more, and so many that are not.
async fn keys(pool: &PgPool, expired: i32) {
    sqlx::query(
        "insert into idempotency_key (scope, key, request_hash, state, status, body, expires_at)
         select 'purge', n::text, sha256('x'), 'DONE', 200, '{}',
           now() + case when n = 0 then interval '1 minute' else interval '-1 minute' end
         from generate_series(0, $1) n",
    )
    .bind(expired)
    .execute(pool)
    .await
    .unwrap();
}

async fn left(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from idempotency_key").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn expired_keys_go_in_several_transactions_and_the_others_stay() {
    let db = TestDb::new("auth_db").await;
    let pool = db.pool();
    keys(&pool, 2500).await;
    assert_eq!(UPKEEP.round(&pool).await.unwrap(), 2500);
    assert_eq!(left(&pool).await, 1);
    assert_eq!(UPKEEP.round(&pool).await.unwrap(), 0);
}

#[tokio::test]
async fn what_another_instance_is_at_is_left_alone_and_measured() {
    let db = TestDb::new("auth_db").await;
    let (pool, metrics) = (db.pool(), chassis::metrics::install());
    keys(&pool, 10).await;
    let mut other = pool.begin().await.unwrap();
    assert!(UPKEEP.try_lock(&mut other).await.unwrap());
    assert_eq!(UPKEEP.round(&pool).await.unwrap(), 0);
    other.rollback().await.unwrap();
    assert_eq!(left(&pool).await, 11);
    assert!(metrics.render().contains("auth_upkeep_overdue_seconds{what=\"idempotency_keys\"}"));
}

#[tokio::test]
async fn it_begins_with_the_service() {
    let db = TestDb::new("auth_db").await;
    let pool = db.pool();
    keys(&pool, 10).await;
    let platform = fixture::platform(&[]);
    UPKEEP.start(&platform, pool.clone());
    eventually(Duration::from_secs(20), || async { left(&pool).await == 1 }).await;
    platform.drain().end();
}
