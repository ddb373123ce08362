//! What an operator sees and may do.

use http::{Method, StatusCode};
use serde_json::json;
use testkit::eventually;

use crate::service::{LIMIT, Pair, id, write};

const CONSUMERS: &str = "/internal/events/consumers";
const POSITION: &str = "/internal/events/consumers/recorder/store/position";

#[tokio::test]
async fn a_replay_from_the_beginning_takes_every_event_again_at_once() {
    let pair = Pair::start().await;
    pair.consume();
    let aggregate = id();
    for sequence in 1..=3 {
        write(&pair.producer.pool, aggregate, sequence).await;
    }
    pair.took_effect(&[(aggregate, 1), (aggregate, 2), (aggregate, 3)]).await;
    let _ = pair.consumer.post(POSITION, json!({ "position": 1 })).await.expect(StatusCode::NO_CONTENT);
    pair.took_effect(&[(aggregate, 1), (aggregate, 2), (aggregate, 3), (aggregate, 2), (aggregate, 3)]).await;
    assert_eq!(pair.position().await, 3);
}

#[tokio::test]
async fn a_position_that_another_replica_moved_meanwhile_counts() {
    let pair = Pair::start().await;
    pair.consume();
    let aggregate = id();
    for sequence in 1..=3 {
        write(&pair.producer.pool, aggregate, sequence).await;
    }
    pair.reached(3).await;
    // Nobody tells the consumer, which waits for what follows 3.
    let update = "update consumer_position set position = 1";
    sqlx::query(update).execute(&pair.consumer.pool).await.unwrap();
    write(&pair.producer.pool, aggregate, 4).await;
    let expected = [1, 2, 3, 2, 3, 4].map(|sequence| (aggregate, sequence));
    pair.took_effect(&expected).await;
}

#[tokio::test]
async fn only_the_operator_may_change_anything() {
    let pair = Pair::start().await;
    pair.consume();
    pair.reached(0).await;
    let letter = id();
    for (path, body) in [
        (POSITION.to_owned(), json!({ "position": 0 })),
        ("/internal/events/dead/replay".to_owned(), json!({})),
        (format!("/internal/events/dead/{letter}/replay"), json!({})),
        (format!("/internal/events/dead/{letter}/drop"), json!({ "reason": "because" })),
    ] {
        let request = |caller| pair.consumer.request(Method::POST, &path, caller).json(&body);
        assert_eq!(request("store").send().await.status, StatusCode::FORBIDDEN, "{path}");
        let allowed = request("operator").send().await.status;
        assert!(allowed.is_success() || allowed == StatusCode::NOT_FOUND, "{path}: {allowed}");
    }
    for path in ["/internal/events/dead".to_owned(), format!("/internal/events/dead/{letter}")] {
        let dead = pair.consumer.request(Method::GET, &path, "store").send().await;
        assert_eq!(dead.status, StatusCode::FORBIDDEN, "letters hold whole events");
    }
    let unknown = pair.consumer.get(&format!("/internal/events/dead/{letter}")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_position_is_moved_of_known_consumers_only_and_not_below_zero() {
    let pair = Pair::start().await;
    pair.consume();
    pair.reached(0).await;
    let stranger = "/internal/events/consumers/stranger/store/position";
    for (path, body, status) in [
        (stranger, json!({ "position": 0 }), 404),
        (POSITION, json!({ "position": -1 }), 400),
        (POSITION, json!({}), 400),
        (POSITION, json!({ "position": 0, "force": true }), 400),
    ] {
        assert_eq!(pair.consumer.post(path, body.clone()).await.status, status, "{path} {body}");
    }
}

#[tokio::test]
async fn consumers_are_listed_with_what_they_have_not_taken() {
    let pair = Pair::start().await;
    pair.consume();
    write(&pair.producer.pool, id(), 1).await;
    pair.reached(1).await;
    // The lag is unknown when the producer takes too long to say how far it is.
    let listed = eventually(LIMIT, || async {
        let listed = pair.consumer.get(CONSUMERS).await.expect(StatusCode::OK).json();
        if listed[0]["lag"].is_null() { Err(listed) } else { Ok(listed) }
    })
    .await;
    let consumer = &listed[0];
    assert_eq!((&consumer["name"], &consumer["source"]), (&json!("recorder"), &json!("store")));
    assert_eq!((&consumer["position"], &consumer["lag"]), (&json!(1), &json!(0)), "{listed}");

    // A consumer that cannot go on falls behind, and says so.
    let ahead = pair.consumer.post(POSITION, json!({ "position": 9 })).await;
    assert_eq!(ahead.status, StatusCode::NO_CONTENT);
    let told = || async {
        let health = pair.consumer.health().await;
        let error = health["details"]["consumers"][0]["error"].as_str().unwrap_or_default().to_owned();
        if error.contains("cannot go on from position 9") { Ok(()) } else { Err(health) }
    };
    eventually(LIMIT, told).await;
    let _ = pair.consumer.post(POSITION, json!({ "position": 1 })).await.expect(StatusCode::NO_CONTENT);
    let aggregate = id();
    write(&pair.producer.pool, aggregate, 2).await;
    pair.reached(2).await;
}

#[tokio::test]
async fn the_head_says_how_far_the_feed_reaches_and_what_is_not_in_it() {
    let pair = Pair::start().await;
    let head = || async { pair.producer.get("/internal/events/head").await.expect(StatusCode::OK).json() };
    let empty = head().await;
    assert_eq!((&empty["lastPosition"], &empty["oldestPosition"]), (&json!(0), &json!(null)), "{empty}");
    write(&pair.producer.pool, id(), 1).await;
    pair.producer.numbered(1).await;
    let head = head().await;
    assert_eq!((&head["source"], &head["unnumbered"]), (&json!("store"), &json!(0)), "{head}");
    assert_eq!((&head["lastPosition"], &head["oldestPosition"]), (&json!(1), &json!(1)), "{head}");
    assert!(head["oldestTime"].is_string());
}

#[tokio::test]
async fn metrics_tell_what_waits() {
    let pair = Pair::start().await;
    pair.consume();
    write(&pair.producer.pool, id(), 1).await;
    pair.reached(1).await;
    let expected = [
        "events_outbox_unnumbered ",
        "events_outbox_unnumbered_age_seconds ",
        "events_outbox_position ",
        "events_consumer_lag{consumer=\"recorder\",source=\"store\"} ",
        "events_consumer_lag_seconds{consumer=\"recorder\",source=\"store\"} ",
        "events_consumed_total{consumer=\"recorder\",source=\"store\",outcome=\"taken\"} ",
    ];
    let missing = || async {
        let text = pair.consumer.get("/actuator/prometheus").await.text();
        let missing: Vec<_> = expected.iter().filter(|name| !text.contains(**name)).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
    };
    eventually(LIMIT, missing).await;
}

#[tokio::test]
async fn a_consumer_that_is_out_of_step_goes_on_only_from_where_a_person_says() {
    let pair = Pair::start().await;
    pair.consume();
    let aggregate = id();
    for sequence in 1..=2 {
        write(&pair.producer.pool, aggregate, sequence).await;
    }
    pair.reached(2).await;
    let _ = pair.consumer.post(POSITION, json!({ "position": 5 })).await.expect(StatusCode::NO_CONTENT);
    let failing = || async { pair.consumer.health().await["details"]["consumers"][0]["state"] == "FAILING" };
    eventually(LIMIT, failing).await;
    // As if another database had come so far: what lies before 6 was never seen.
    for sequence in 3..=7 {
        write(&pair.producer.pool, aggregate, sequence).await;
    }
    pair.producer.numbered(7).await;
    let _ = pair.consumer.post(POSITION, json!({ "position": 5 })).await.expect(StatusCode::NO_CONTENT);
    eventually(LIMIT, failing).await;
    let _ = pair.consumer.post(POSITION, json!({ "position": 0 })).await.expect(StatusCode::NO_CONTENT);
    let expected = [1, 2, 1, 2, 3, 4, 5, 6, 7].map(|sequence| (aggregate, sequence));
    pair.took_effect(&expected).await;
}
