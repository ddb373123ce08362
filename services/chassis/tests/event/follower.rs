//! Following in memory: everything young enough at the start, everything new after, and what is known is kept.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chassis::event::{self, Follower};
use testkit::eventually;
use uuid::Uuid;

use crate::door::Door;
use crate::service::{LIMIT, Pair, Service, id, insert, write};

const LIFETIME: Duration = Duration::from_hours(1);

type Seen = Arc<Mutex<Vec<Uuid>>>;

fn follow(service: &Service) -> (Follower, Seen) {
    let seen = Seen::default();
    let heard = Arc::clone(&seen);
    let follower = event::follow(&service.platform, "store", LIFETIME, move |event| {
        heard.lock().unwrap().push(event.subject);
    });
    (follower, seen)
}

async fn saw(seen: &Seen, expected: &[Uuid]) {
    eventually(LIMIT, || async {
        let seen = seen.lock().unwrap().clone();
        if seen == expected { Ok(()) } else { Err(seen) }
    })
    .await;
}

/// Writes so many events in one transaction, and waits until they can be read.
async fn write_many(pair: &Pair, aggregate: Uuid, count: i64) {
    let mut tx = pair.producer.pool.begin().await.unwrap();
    for sequence in 1..=count {
        insert(&mut tx, aggregate, sequence, &serde_json::json!({})).await;
    }
    tx.commit().await.unwrap();
    pair.producer.numbered(count).await;
}

/// Makes events up to this position older.
async fn age(pair: &Pair, position: i64, hours: i32) {
    let update =
        "update outbox set created_at = created_at - make_interval(hours => $2) where position <= $1";
    sqlx::query(update).bind(position).bind(hours).execute(&pair.producer.pool).await.unwrap();
}

#[tokio::test]
async fn the_young_are_loaded_first_and_the_new_follow() {
    let pair = Pair::start().await;
    let (old, young, new) = (id(), id(), id());
    write_many(&pair, old, 2500).await;
    age(&pair, 2500, 2).await;
    write(&pair.producer.pool, young, 1).await;
    write(&pair.producer.pool, young, 2).await;
    pair.producer.numbered(2502).await;

    let (follower, seen) = follow(&pair.consumer);
    follower.loaded().await;
    assert_eq!(*seen.lock().unwrap(), [young, young], "loaded means all of it was handed over");
    write(&pair.producer.pool, new, 1).await;
    saw(&seen, &[young, young, new]).await;
    let health = pair.consumer.health().await;
    assert_eq!(health["details"]["followers"][0]["loaded"], true, "{health}");
}

#[tokio::test]
async fn more_than_one_answer_is_loaded_before_it_is_said_so() {
    let pair = Pair::start().await;
    write_many(&pair, id(), 2300).await;
    let (follower, seen) = follow(&pair.consumer);
    follower.loaded().await;
    assert_eq!(seen.lock().unwrap().len(), 2300);
}

#[tokio::test]
async fn an_empty_feed_is_loaded_too() {
    let pair = Pair::start().await;
    let (follower, seen) = follow(&pair.consumer);
    follower.loaded().await;
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_known_is_kept_while_the_producer_is_away_and_its_age_shows() {
    let pair = Pair::start().await;
    let aggregate = id();
    write(&pair.producer.pool, aggregate, 1).await;
    pair.producer.numbered(1).await;
    let mut door = Door::new(&pair.url).await;
    let service = pair.another_consumer(&door.url());
    let (follower, seen) = follow(&service);
    saw(&seen, &[aggregate]).await;
    door.shut().await;
    write(&pair.producer.pool, aggregate, 2).await;
    // An idle producer answers every 5 s, so this age means that it did not.
    eventually(LIMIT, || async { follower.age() > Duration::from_secs(6) }).await;
    assert!(follower.is_loaded());
    assert_eq!(*seen.lock().unwrap(), [aggregate], "kept");
    door.open().await;
    saw(&seen, &[aggregate, aggregate]).await;
    assert!(follower.age() < Duration::from_secs(6));
}

#[tokio::test]
async fn a_producer_with_a_new_database_is_followed_from_its_beginning() {
    let pair = Pair::start().await;
    let (before, after) = (id(), id());
    for sequence in 1..=3 {
        write(&pair.producer.pool, before, sequence).await;
    }
    let (_follower, seen) = follow(&pair.consumer);
    saw(&seen, &[before; 3]).await;
    let reset = "delete from outbox";
    sqlx::query(reset).execute(&pair.producer.pool).await.unwrap();
    let reset = "update outbox_sequencer set last_position = 0";
    sqlx::query(reset).execute(&pair.producer.pool).await.unwrap();
    write(&pair.producer.pool, after, 1).await;
    saw(&seen, &[before, before, before, after]).await;
}
