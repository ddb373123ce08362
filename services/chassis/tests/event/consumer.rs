//! Taking events: each once, in order, whatever happens in between.

use serde_json::json;
use testkit::eventually;
use uuid::Uuid;

use crate::door::Door;
use crate::service::{LIMIT, Pair, Recorder, TRACE, consume, id, insert, write, write_with};

#[tokio::test]
async fn events_take_effect_in_order_and_within_the_trace_that_caused_them() {
    let pair = Pair::start().await;
    pair.consume();
    let (one, two) = (id(), id());
    let trace = chassis::trace::TraceContext::continue_from(Some(TRACE));
    let request = chassis::context::RequestContext::of_our_own(trace);
    let writing = async {
        for (aggregate, sequence) in [(one, 1), (two, 1), (one, 2), (one, 3), (two, 2)] {
            write(&pair.producer.pool, aggregate, sequence).await;
        }
    };
    chassis::context::scope(request, writing).await;
    pair.took_effect(&[(one, 1), (two, 1), (one, 2), (one, 3), (two, 2)]).await;
    assert_eq!(pair.position().await, 5);
    assert_eq!(*pair.recorder.traces.lock().unwrap(), [&TRACE[3..35]; 5]);
    let up = || async {
        let health = pair.consumer.health().await;
        let consumer = &health["details"]["consumers"][0];
        let told = health["status"] == "UP" && consumer["state"] == "WORKING" && consumer["lag"] == 0;
        if told { Ok(()) } else { Err(health) }
    };
    eventually(LIMIT, up).await;
}

#[tokio::test]
async fn a_consumer_that_was_away_catches_up() {
    let pair = Pair::start().await;
    let aggregate = id();
    // More than one batch, and not a multiple of it.
    let mut tx = pair.producer.pool.begin().await.unwrap();
    for sequence in 1..=1300 {
        insert(&mut tx, aggregate, sequence, &json!({})).await;
    }
    tx.commit().await.unwrap();
    pair.producer.numbered(1300).await;
    pair.consume();
    let expected: Vec<(Uuid, i64)> = (1..=1300).map(|sequence| (aggregate, sequence)).collect();
    pair.took_effect(&expected).await;
}

#[tokio::test]
async fn while_the_world_is_not_ready_nothing_is_lost_put_aside_or_passed_over() {
    let pair = Pair::start().await;
    pair.consume();
    let (one, two) = (id(), id());
    write(&pair.producer.pool, one, 1).await;
    write_with(&pair.producer.pool, one, 2, json!({ "fails": "for now" })).await;
    write(&pair.producer.pool, two, 1).await;
    // Beyond the attempts that an event gets which fails for its own sake.
    eventually(LIMIT, || async { *pair.recorder.failures.lock().unwrap() > 6 }).await;
    assert_eq!(pair.effects().await, [(one, 1)]);
    let down = || async {
        let health = pair.consumer.health().await;
        let error = health["details"]["consumers"][0]["error"].as_str().unwrap_or_default();
        let told = health["status"] == "DOWN" && error.contains("the world is not ready");
        if told { Ok(()) } else { Err(health) }
    };
    eventually(LIMIT, down).await;
    pair.recorder.repair();
    pair.took_effect(&[(one, 1), (one, 2), (two, 1)]).await;
    let dead: i64 =
        sqlx::query_scalar("select count(*) from dead_letter").fetch_one(&pair.consumer.pool).await.unwrap();
    assert_eq!(dead, 0);
}

#[tokio::test]
async fn a_producer_that_is_away_is_asked_until_it_is_back() {
    let pair = Pair::start().await;
    let mut door = Door::new(&pair.url).await;
    let consumer = pair.another_consumer(&door.url());
    consume(&consumer, &pair.recorder);
    let aggregate = id();
    write(&pair.producer.pool, aggregate, 1).await;
    pair.took_effect(&[(aggregate, 1)]).await;
    door.shut().await;
    write(&pair.producer.pool, aggregate, 2).await;
    let failing = || async {
        let health = consumer.health().await;
        if health["details"]["consumers"][0]["state"] == "FAILING" { Ok(()) } else { Err(health) }
    };
    eventually(LIMIT, failing).await;
    assert_eq!(pair.effects().await, [(aggregate, 1)]);
    door.open().await;
    pair.took_effect(&[(aggregate, 1), (aggregate, 2)]).await;
}

#[tokio::test]
async fn of_several_replicas_one_works_and_another_takes_over_when_it_ends() {
    let pair = Pair::start().await;
    pair.consume();
    let aggregate = id();
    write(&pair.producer.pool, aggregate, 1).await;
    pair.took_effect(&[(aggregate, 1)]).await;
    let second = pair.another_consumer(&pair.url);
    consume(&second, &Recorder::new("second"));
    for sequence in 2..=20 {
        write(&pair.producer.pool, aggregate, sequence).await;
    }
    pair.reached(20).await;
    let state = || async { second.health().await["details"]["consumers"][0]["state"].clone() };
    assert_eq!(state().await, "STANDING_BY");

    pair.consumer.platform.drain().end();
    eventually(LIMIT, || async { state().await == "WORKING" }).await;
    write(&pair.producer.pool, aggregate, 21).await;
    let workers = || async {
        let select = "select worker from effect order by n";
        let workers: Vec<String> = sqlx::query_scalar(select).fetch_all(&second.pool).await.unwrap();
        (workers.len() == 21).then_some(workers)
    };
    let workers = eventually(LIMIT, workers).await;
    assert!(workers[..20].iter().all(|worker| worker == "first"), "{workers:?}");
    assert_eq!(workers[20], "second");
}

#[tokio::test]
async fn a_lost_session_is_replaced() {
    let pair = Pair::start().await;
    pair.consume();
    let aggregate = id();
    write(&pair.producer.pool, aggregate, 1).await;
    pair.took_effect(&[(aggregate, 1)]).await;
    // As the server does when it is stopped, or when it has not heard of the consumer for too long.
    let cut = "select count(pg_terminate_backend(pid)) from pg_locks
               where locktype = 'advisory'
                 and database = (select oid from pg_database where datname = current_database())";
    let cut: i64 = sqlx::query_scalar(cut).fetch_one(&pair.consumer.pool).await.unwrap();
    assert_eq!(cut, 1, "the session that works holds the lock");
    write(&pair.producer.pool, aggregate, 2).await;
    pair.took_effect(&[(aggregate, 1), (aggregate, 2)]).await;
}
