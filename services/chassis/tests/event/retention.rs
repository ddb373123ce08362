//! Partitions: made before they are needed, dropped when all in them is old, and never without a word to a reader.

use std::sync::Arc;
use std::time::Duration;

use chassis::event;
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use testkit::{TestDb, eventually};

use crate::service::{LIMIT, Service, id, insert, write};

const WEEK: Duration = Duration::from_hours(7 * 24);

/// A producer whose next position is the one behind `last`.
async fn producer_at(last: i64) -> (TestDb, Service) {
    let database = TestDb::new("store_db").await;
    let keys = Arc::new(testkit::keys());
    let producer = Service::start("store", database.url(), &keys, &[]);
    let update = "update outbox_sequencer set last_position = $1";
    sqlx::query(update).bind(last).execute(&producer.pool).await.unwrap();
    (database, producer)
}

async fn write_many(pool: &PgPool, count: i64) {
    let (mut tx, aggregate) = (pool.begin().await.unwrap(), id());
    for sequence in 1..=count {
        insert(&mut tx, aggregate, sequence, &json!({})).await;
    }
    tx.commit().await.unwrap();
}

/// How many events each partition holds, by name.
async fn partitions(pool: &PgPool) -> Vec<(String, i64)> {
    let select = "select tableoid::regclass::text, count(*) from outbox group by 1 order by 1";
    sqlx::query_as(select).fetch_all(pool).await.unwrap()
}

async fn has_partition(pool: &PgPool, name: &str) -> bool {
    let select = "select to_regclass('public.' || $1) is not null";
    sqlx::query_scalar(select).bind(name).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn the_next_partition_is_there_before_positions_reach_it() {
    let (_database, producer) = producer_at(499_990).await;
    producer.serve().await;
    write_many(&producer.pool, 5).await;
    producer.numbered(499_995).await;
    assert!(!has_partition(&producer.pool, "outbox_p000001").await);
    write_many(&producer.pool, 10).await;
    eventually(LIMIT, || async { has_partition(&producer.pool, "outbox_p000001").await }).await;
}

#[tokio::test]
async fn numbering_goes_on_across_the_border_of_partitions() {
    let (_database, producer) = producer_at(999_990).await;
    // Not made ahead: what comes too early waits in the default partition, and is moved.
    write_many(&producer.pool, 20).await;
    producer.serve().await;
    producer.numbered(1_000_010).await;
    let sorted = || async {
        let found = partitions(&producer.pool).await;
        let expected = [("outbox_p000000".to_owned(), 9), ("outbox_p000001".to_owned(), 11)];
        if found == expected { Ok(()) } else { Err(found) }
    };
    eventually(LIMIT, sorted).await;
    let events = producer.events("after=999990&limit=1000").await;
    let positions: Vec<_> = events.iter().map(|event| event.position).collect();
    assert_eq!(positions, (999_991..=1_000_010).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_partition_goes_when_everything_in_it_is_old_and_readers_are_told() {
    let (_database, producer) = producer_at(999_990).await;
    producer.serve().await;
    write_many(&producer.pool, 20).await;
    producer.numbered(1_000_010).await;
    eventually(LIMIT, || async { has_partition(&producer.pool, "outbox_p000001").await }).await;
    let dropped = || async { event::drop_older(&producer.pool, WEEK).await.unwrap() };
    assert_eq!(dropped().await, 0, "nothing is old");

    let age = "update outbox set created_at = created_at - interval '8 days' where position < $1";
    sqlx::query(age).bind(1_000_000_i64 - 3).execute(&producer.pool).await.unwrap();
    assert_eq!(dropped().await, 0, "some of it is not");
    sqlx::query(age).bind(1_000_005_i64).execute(&producer.pool).await.unwrap();
    assert_eq!(dropped().await, 1);
    assert_eq!(partitions(&producer.pool).await, [("outbox_p000001".to_owned(), 11)]);

    let behind = producer.get("/internal/events?after=999995").await;
    assert_eq!(behind.status, StatusCode::GONE);
    let ancient = producer.get("/internal/events?since=2020-01-01T00:00:00Z").await;
    assert_eq!(ancient.status, StatusCode::GONE, "not all of that is there any more");
    let first = &producer.events("after=999999&limit=1").await[0];
    assert_eq!(first.position, 1_000_000);
    let today = (chrono::Utc::now() - chrono::TimeDelta::days(1)).to_rfc3339().replace('+', "%2B");
    let young = producer.events(&format!("since={today}")).await;
    assert_eq!(young.first().unwrap().position, 1_000_005, "what is old is skipped");
}

#[tokio::test]
async fn the_last_partition_stays_however_old_it_is() {
    let (_database, producer) = producer_at(0).await;
    producer.serve().await;
    write(&producer.pool, id(), 1).await;
    producer.numbered(1).await;
    assert_eq!(event::drop_older(&producer.pool, Duration::ZERO).await.unwrap(), 0);
    assert_eq!(producer.events("").await.len(), 1);
}

#[tokio::test]
async fn what_is_older_still_goes_one_by_one_and_readers_are_told() {
    let (_database, producer) = producer_at(0).await;
    producer.serve().await;
    write_many(&producer.pool, 20).await;
    producer.numbered(20).await;
    let age = "update outbox set created_at = created_at - interval '31 days' where position < $1";
    sqlx::query(age).bind(8_i64).execute(&producer.pool).await.unwrap();
    let deleted = || async { event::delete_older(&producer.pool, 30 * WEEK / 7).await.unwrap() };
    assert_eq!((deleted().await, deleted().await), (7, 0));
    assert_eq!(partitions(&producer.pool).await, [("outbox_p000000".to_owned(), 13)]);
    let events = producer.events("after=7&limit=1000").await;
    assert_eq!(events.iter().map(|event| event.position).collect::<Vec<_>>(), (8..=20).collect::<Vec<_>>());
    assert_eq!(producer.get("/internal/events?after=6").await.status, StatusCode::GONE);
}
