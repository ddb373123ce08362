//! Events that fail for their own sake: put aside, with what follows them, until somebody decides.

use chassis::event::Behind;
use contract::event::{DeadLetter, DeadLetterState, Replayed};
use http::StatusCode;
use serde_json::json;
use testkit::eventually;
use uuid::Uuid;

use crate::service::{LIMIT, Pair, consume_with, id, write, write_with};

const DEAD: &str = "/internal/events/dead";

async fn letters(pair: &Pair) -> Vec<DeadLetter> {
    pair.consumer.get(DEAD).await.expect(StatusCode::OK).parsed()
}

async fn replay(pair: &Pair, id: Uuid) -> Replayed {
    pair.consumer.post(&format!("{DEAD}/{id}/replay"), json!({})).await.expect(StatusCode::OK).parsed()
}

/// One aggregate with a broken second event, and a sound aggregate around it.
async fn poisoned(how: serde_json::Value) -> (Pair, Uuid, Uuid) {
    let pair = Pair::start().await;
    let (sick, sound) = (id(), id());
    write(&pair.producer.pool, sick, 1).await;
    write(&pair.producer.pool, sound, 1).await;
    write_with(&pair.producer.pool, sick, 2, how).await;
    write(&pair.producer.pool, sound, 2).await;
    write(&pair.producer.pool, sick, 3).await;
    pair.producer.numbered(5).await;
    pair.consume();
    pair.reached(5).await;
    (pair, sick, sound)
}

#[tokio::test]
async fn where_each_event_tells_the_whole_state_those_behind_a_broken_one_take_effect() {
    let pair = Pair::start().await;
    let sick = id();
    write_with(&pair.producer.pool, sick, 1, json!({ "fails": "permanently" })).await;
    write(&pair.producer.pool, sick, 2).await;
    consume_with(&pair.consumer, &pair.recorder, Behind::Taken);
    pair.took_effect(&[(sick, 2)]).await;
    let parked: Vec<_> = letters(&pair).await.iter().map(|letter| letter.event.sequence).collect();
    assert_eq!(parked, [1]);
}

#[tokio::test]
async fn a_broken_event_is_put_aside_with_those_behind_it_and_holds_up_nobody_else() {
    let (pair, sick, sound) = poisoned(json!({ "fails": "permanently" })).await;
    assert_eq!(pair.effects().await, [(sick, 1), (sound, 1), (sound, 2)]);
    assert_eq!(*pair.recorder.failures.lock().unwrap(), 1 + 5, "once in the batch, then the attempts");
    let dead = letters(&pair).await;
    let told: Vec<_> = dead.iter().map(|l| (l.event.sequence, l.state, l.attempts)).collect();
    assert_eq!(told, [(2, DeadLetterState::Parked, 5), (3, DeadLetterState::Parked, 1)]);
    assert!(dead[0].error.contains("on purpose"), "{}", dead[0].error);
    assert!(dead[1].error.contains("an earlier event"), "{}", dead[1].error);

    // Later ones of the aggregate wait too.
    write(&pair.producer.pool, sick, 4).await;
    write(&pair.producer.pool, sound, 3).await;
    pair.reached(7).await;
    assert_eq!(pair.effects().await.len(), 4);
    assert_eq!(letters(&pair).await.len(), 3);
    // The lag is unknown when the producer takes too long to say how far it is.
    let consumers = eventually(LIMIT, || async {
        let consumers = pair.consumer.get("/internal/events/consumers").await.expect(StatusCode::OK).json();
        if consumers[0]["lag"].is_null() { Err(consumers) } else { Ok(consumers) }
    })
    .await;
    assert_eq!((&consumers[0]["parked"], &consumers[0]["lag"]), (&json!(3), &json!(0)), "{consumers}");
}

#[tokio::test]
async fn replaying_lets_an_aggregate_go_on_in_its_order() {
    let (pair, sick, sound) = poisoned(json!({ "fails": "permanently" })).await;
    let dead = letters(&pair).await;
    // Not repaired yet: it fails again, and nothing passes it. The later letter may be named as well.
    let done = replay(&pair, dead[1].id).await;
    assert_eq!((done.replayed, done.failed[0].id, done.remaining), (0, dead[0].id, 2));
    assert_eq!(letters(&pair).await[0].attempts, 6);
    assert_eq!(pair.effects().await.len(), 3, "what a failed attempt wrote is rolled back");

    pair.recorder.repair();
    let done = replay(&pair, dead[0].id).await;
    assert_eq!(done, Replayed { replayed: 2, failed: vec![], remaining: 0 });
    assert_eq!(pair.effects().await[3..], [(sick, 2), (sick, 3)]);
    assert!(letters(&pair).await.iter().all(|l| l.state == DeadLetterState::Replayed));
    // The aggregate is no longer held up.
    write(&pair.producer.pool, sick, 4).await;
    pair.took_effect(&[(sick, 1), (sound, 1), (sound, 2), (sick, 2), (sick, 3), (sick, 4)]).await;
    let again = pair.consumer.post(&format!("{DEAD}/{}/replay", dead[0].id), json!({})).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "it is not parked any more");
}

#[tokio::test]
async fn a_dropped_event_never_takes_effect_and_those_behind_it_may_go_on() {
    let (pair, sick, sound) = poisoned(json!({ "fails": "permanently" })).await;
    let dead = letters(&pair).await;
    let drop = format!("{DEAD}/{}/drop", dead[0].id);
    let refused = pair.consumer.post(&drop, json!({ "reason": "" })).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "a reason is needed");
    let _ = pair.consumer.post(&drop, json!({ "reason": "a test" })).await.expect(StatusCode::NO_CONTENT);
    let again = pair.consumer.post(&drop, json!({ "reason": "a test" })).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);

    let done = pair.consumer.post("/internal/events/dead/replay", json!({})).await.expect(StatusCode::OK);
    assert_eq!(done.parsed::<Replayed>(), Replayed { replayed: 1, failed: vec![], remaining: 0 });
    assert_eq!(pair.effects().await, [(sick, 1), (sound, 1), (sound, 2), (sick, 3)]);
    let dropped: Vec<DeadLetter> =
        pair.consumer.get("/internal/events/dead?state=DROPPED").await.expect(StatusCode::OK).parsed();
    assert_eq!(dropped.len(), 1);
    assert_eq!((dropped[0].id, dropped[0].reason.as_deref()), (dead[0].id, Some("a test")));
}

#[tokio::test]
async fn a_handler_that_panics_has_failed_like_any_other() {
    let (pair, sick, sound) = poisoned(json!({ "fails": "by panic" })).await;
    assert_eq!(pair.effects().await, [(sick, 1), (sound, 1), (sound, 2)]);
    assert!(letters(&pair).await[0].error.contains("panicked"));
    assert_eq!(pair.consumer.platform.readiness().check_live(), Ok(()), "no reason to be restarted");
}

#[tokio::test]
async fn what_the_database_refuses_is_the_events_fault() {
    let (pair, sick, sound) = poisoned(json!({ "constraint": "broken" })).await;
    assert_eq!(pair.effects().await, [(sick, 1), (sound, 1), (sound, 2)]);
    assert!(letters(&pair).await[0].error.contains("not-null"), "{}", letters(&pair).await[0].error);
}

#[tokio::test]
async fn a_replay_from_the_beginning_brings_a_dropped_event_back_for_a_new_decision() {
    let (pair, sick, sound) = poisoned(json!({ "fails": "permanently" })).await;
    let dead = letters(&pair).await;
    for letter in &dead {
        let drop = format!("{DEAD}/{}/drop", letter.id);
        let _ = pair.consumer.post(&drop, json!({ "reason": "a test" })).await.expect(StatusCode::NO_CONTENT);
    }
    let position = "/internal/events/consumers/recorder/store/position";
    let _ = pair.consumer.post(position, json!({ "position": 0 })).await.expect(StatusCode::NO_CONTENT);
    let all_again = || async { pair.effects().await.len() == 6 && pair.position().await == 5 };
    eventually(LIMIT, all_again).await;
    assert_eq!(pair.effects().await[3..], [(sick, 1), (sound, 1), (sound, 2)]);
    assert!(letters(&pair).await.iter().all(|letter| letter.state == DeadLetterState::Parked));
}
