//! Numbering: what is committed, in order, once, whoever does it.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use sqlx::PgPool;
use testkit::TestDb;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::service::{Pair, Service, execute, id, insert, write};

#[tokio::test]
async fn a_transaction_that_commits_late_is_not_skipped() {
    let pair = Pair::start().await;
    pair.consume();
    let (slow, fast) = (id(), id());
    let mut late = pair.producer.pool.begin().await.unwrap();
    insert(&mut late, slow, 1, &json!({})).await;
    write(&pair.producer.pool, fast, 1).await;
    pair.took_effect(&[(fast, 1)]).await;
    // The consumer stands behind the higher id by now; the lower one becomes visible only here.
    late.commit().await.unwrap();
    pair.took_effect(&[(fast, 1), (slow, 1)]).await;
    let ids: Vec<i64> = sqlx::query_scalar("select id from outbox order by position")
        .fetch_all(&pair.producer.pool)
        .await
        .unwrap();
    assert!(ids[0] > ids[1], "the test would prove nothing otherwise: {ids:?}");
}

#[tokio::test]
async fn what_was_rolled_back_leaves_no_gap() {
    let pair = Pair::start().await;
    pair.consume();
    let aggregate = id();
    write(&pair.producer.pool, aggregate, 1).await;
    let mut undone = pair.producer.pool.begin().await.unwrap();
    insert(&mut undone, aggregate, 2, &json!({})).await;
    undone.rollback().await.unwrap();
    write(&pair.producer.pool, aggregate, 2).await;
    pair.took_effect(&[(aggregate, 1), (aggregate, 2)]).await;
    assert_eq!(pair.position().await, 2);
}

/// Counts an aggregate up, as services do: the row is locked, the event carries the new version.
async fn count_up(pool: &PgPool, aggregate: Uuid) {
    let mut tx = pool.begin().await.unwrap();
    let sql = "update counter set version = version + 1 where id = $1 returning version";
    let version = sqlx::query_scalar(sql).bind(aggregate).fetch_one(&mut *tx).await.unwrap();
    insert(&mut tx, aggregate, version, &json!({})).await;
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn several_sequencers_at_once_number_everything_once_and_in_order() {
    const AGGREGATES: usize = 5;
    const WRITERS: usize = 8;
    const CHANGES: usize = 60;
    let database = TestDb::new("store_db").await;
    execute(&database, "create table counter (id uuid primary key, version bigint not null default 0)").await;
    let keys = Arc::new(testkit::keys());
    let replicas: Vec<_> = (0..3).map(|_| Service::start("store", database.url(), &keys, &[])).collect();
    let aggregates: Vec<_> = (0..AGGREGATES).map(|_| id()).collect();
    for aggregate in &aggregates {
        let insert = sqlx::query("insert into counter (id) values ($1)").bind(aggregate);
        insert.execute(&replicas[0].pool).await.unwrap();
    }
    for replica in &replicas {
        replica.serve().await;
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (pool, aggregates) = (replicas[writer % replicas.len()].pool.clone(), aggregates.clone());
        writers.spawn(async move {
            for change in 0..CHANGES {
                count_up(&pool, aggregates[(writer + change) % aggregates.len()]).await;
            }
        });
    }
    writers.join_all().await;
    let all = i64::try_from(WRITERS * CHANGES).unwrap();
    replicas[1].numbered(all).await;

    let events = replicas[2].events("limit=1000").await;
    let positions: Vec<_> = events.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=all).collect::<Vec<_>>(), "each position once, without gaps");
    let mut versions: HashMap<Uuid, i64> = HashMap::new();
    for event in &events {
        let last = versions.entry(event.subject).or_default();
        assert_eq!(event.sequence, *last + 1, "of {}", event.subject);
        *last = event.sequence;
    }
    assert_eq!(versions.values().sum::<i64>(), all);
}
