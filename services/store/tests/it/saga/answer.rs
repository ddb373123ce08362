//! Requests that are answered when a saga ends, whoever ends it.

use std::time::Duration;

use axum::response::IntoResponse as _;
use chassis::idempotency::{self, Key};
use contract::id::UserId;
use contract::store::{Order, OrderStatus};
use http::StatusCode;
use serde_json::json;
use store::saga::{Line, NewOrder, Settings};
use testkit::eventually;

use super::provider::Op;
use super::stage::{LIMIT, PRICE, QUICK, Stage};

/// A key that a request has claimed.
async fn claimed(stage: &Stage, name: &str) -> Key {
    let claimed_at: chrono::DateTime<chrono::Utc> = sqlx::query_scalar(
        "insert into idempotency_key (scope, key, request_hash, locked_until)
         values ('test', $1, decode(repeat('00', 32), 'hex'), now() + interval '1 hour')
         returning created_at",
    )
    .bind(name)
    .fetch_one(&stage.db.pool())
    .await
    .unwrap();
    serde_json::from_value(json!({ "scope": "test", "value": name, "claimed_at": claimed_at })).unwrap()
}

/// The stored answer; None while it is owed.
async fn answer(stage: &Stage, key: &Key) -> Option<(StatusCode, Order)> {
    let mut db = stage.db.pool().acquire().await.unwrap();
    let answer = idempotency::answer(&mut db, key).await.unwrap()?.into_response();
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    Some((status, serde_json::from_slice(&body).unwrap()))
}

fn order(user: UserId, item: contract::id::ItemId, token: &str, answer: Key) -> NewOrder {
    let (method, token) = ("card".to_owned(), token.to_owned());
    NewOrder {
        user,
        lines: vec![Line { item, quantity: 1 }],
        method,
        token,
        payment: None,
        answer: Some(answer),
    }
}

#[tokio::test]
async fn the_answer_is_stored_with_the_end_whether_it_is_good_or_bad() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let store = stage.instance(QUICK).await;
    for token in ["tok_approve", "tok_decline"] {
        let key = claimed(&stage, token).await;
        let (id, _) = store.begin(order(chassis::fresh_id(), item, token, key.clone()), LIMIT).await;
        let answered = answer(&stage, &key).await.unwrap();
        assert_eq!(answered, (StatusCode::CREATED, stage.order(id).await));
    }
    stage.proven().await;
}

#[tokio::test]
async fn the_answer_outlives_the_process_that_was_asked() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let short = Settings { lease: Duration::from_millis(400), ..QUICK };
    let mut doomed = stage.instance(short).await;
    let key = claimed(&stage, "k").await;
    stage.provider.hold(Op::Capture);
    let new = order(chassis::fresh_id(), item, "tok_approve", key.clone());
    let (id, _) = doomed.begin(new, Duration::ZERO).await;
    eventually(LIMIT, || async { stage.provider.asked(Op::Capture) == 1 }).await;
    doomed.kill();
    assert_eq!(answer(&stage, &key).await, None);
    stage.provider.let_go();
    let _heir = stage.instance(short).await;
    stage.proven().await;
    assert_eq!(answer(&stage, &key).await.unwrap(), (StatusCode::CREATED, stage.order(id).await));
}

#[tokio::test]
async fn a_cancellation_answers_both_who_ordered_and_who_cancelled() {
    let stage = Stage::set().await;
    let item = stage.item(PRICE, 5).await;
    let (store, user) = (stage.instance(QUICK).await, chassis::fresh_id());
    let (placing, cancelling) = (claimed(&stage, "place").await, claimed(&stage, "cancel").await);
    stage.provider.hold(Op::Authorise);
    let new = order(user, item, "tok_approve", placing.clone());
    let (id, _) = store.begin(new, Duration::ZERO).await;
    eventually(LIMIT, || async { stage.provider.asked(Op::Authorise) == 1 }).await;
    store.cancel_with(id, user, Some(cancelling.clone()), Duration::ZERO).await.unwrap();
    stage.provider.let_go();
    let ended = stage.becomes(id, OrderStatus::Cancelled).await;
    assert_eq!(answer(&stage, &placing).await.unwrap(), (StatusCode::CREATED, ended.clone()));
    assert_eq!(answer(&stage, &cancelling).await.unwrap(), (StatusCode::OK, ended));
    stage.proven().await;
}
