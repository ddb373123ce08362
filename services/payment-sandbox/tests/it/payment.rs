//! Payments as store asks for them.

use std::time::Duration;

use http::{HeaderName, Method, StatusCode};
use serde_json::json;
use testkit::eventually;
use uuid::Uuid;

use crate::fixture::{Sandbox, authorisation};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_payment_is_authorised_captured_and_refunded() {
    let sandbox = Sandbox::quiet().await;
    let payment = Uuid::now_v7();
    sandbox.find(payment, StatusCode::NOT_FOUND).await;
    let held = sandbox.authorise(payment, "tok_approve", StatusCode::OK).await;
    let expected = json!({
        "id": payment, "reference": format!("sbx_{}", payment.simple()), "orderId": Uuid::nil(),
        "status": "AUTHORISED", "amount": 1000, "currency": "KRW", "capturedAmount": 0, "refundedAmount": 0,
        "declineCode": null,
    });
    assert_eq!(held, expected);
    assert_eq!(sandbox.capture(payment, StatusCode::OK).await["status"], "CAPTURED");
    let part = sandbox.cancel(payment, "r1", Some(300), StatusCode::OK).await;
    assert_eq!((&part["status"], &part["refundedAmount"]), (&json!("PARTIALLY_REFUNDED"), &json!(300)));
    let whole = sandbox.cancel(payment, "r2", None, StatusCode::OK).await;
    assert_eq!((&whole["status"], &whole["refundedAmount"]), (&json!("CANCELLED"), &json!(1000)));
    assert_eq!(sandbox.find(payment, StatusCode::OK).await, whole);
}

#[tokio::test]
async fn repeating_a_command_books_nothing_more() {
    let sandbox = Sandbox::quiet().await;
    let payment = Uuid::now_v7();
    for _ in 0..3 {
        sandbox.authorise(payment, "tok_approve", StatusCode::OK).await;
    }
    for _ in 0..3 {
        sandbox.capture(payment, StatusCode::OK).await;
    }
    for _ in 0..3 {
        sandbox.cancel(payment, "r1", Some(400), StatusCode::OK).await;
    }
    let ledger = sandbox.ask(Method::GET, "/v1/ledger", None).await.json();
    assert_eq!(ledger.as_array().unwrap().len(), 3, "{ledger}");
}

#[tokio::test]
async fn what_cannot_be_is_a_problem_with_its_reason() {
    let sandbox = Sandbox::quiet().await;
    let [unknown, declined, taken] = std::array::from_fn(|_| Uuid::now_v7());
    assert_eq!(sandbox.capture(unknown, StatusCode::NOT_FOUND).await["errorCode"], "E002");
    sandbox.authorise(declined, "tok_decline", StatusCode::OK).await;
    assert_eq!(sandbox.capture(declined, StatusCode::CONFLICT).await["errorCode"], "S004");
    sandbox.authorise(taken, "tok_approve", StatusCode::OK).await;
    let mut other = authorisation("tok_approve");
    other["amount"] = json!(999);
    let path = format!("/v1/payments/{taken}");
    let conflict = sandbox.ask(Method::PUT, &path, Some(other)).await.expect(StatusCode::CONFLICT);
    assert_eq!(conflict.json()["errorCode"], "S003");
    sandbox.cancel(taken, "part", Some(1), StatusCode::CONFLICT).await;
    sandbox.capture(taken, StatusCode::OK).await;
    sandbox.cancel(taken, "more", Some(1001), StatusCode::CONFLICT).await;
    sandbox.cancel(taken, "none", Some(0), StatusCode::BAD_REQUEST).await;
    sandbox.cancel(taken, "", None, StatusCode::BAD_REQUEST).await;
    sandbox.cancel(taken, &"k".repeat(101), None, StatusCode::BAD_REQUEST).await;
    let mut free = authorisation("tok_approve");
    free["amount"] = json!(0);
    let path = format!("/v1/payments/{}", Uuid::now_v7());
    let answer = sandbox.ask(Method::PUT, &path, Some(free)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn cancelling_an_unknown_id_closes_it_for_a_payment_that_comes_late() {
    let sandbox = Sandbox::quiet().await;
    let payment = Uuid::now_v7();
    let closed = sandbox.cancel(payment, "void", None, StatusCode::OK).await;
    assert_eq!((&closed["status"], &closed["orderId"]), (&json!("CANCELLED"), &json!(null)));
    let late = sandbox.authorise(payment, "tok_approve", StatusCode::OK).await;
    assert_eq!(late["status"], "CANCELLED", "nothing is held");
    sandbox.capture(payment, StatusCode::CONFLICT).await;
}

#[tokio::test]
async fn tokens_decide_what_is_declined() {
    let sandbox = Sandbox::quiet().await;
    for (token, code) in
        [("tok_decline", "CARD_DECLINED"), ("tok_free_money", "INVALID_TOKEN"), ("", "INVALID_TOKEN")]
    {
        let payment = sandbox.authorise(Uuid::now_v7(), token, StatusCode::OK).await;
        assert_eq!((&payment["status"], &payment["declineCode"]), (&json!("DECLINED"), &json!(code)));
    }
}

#[tokio::test]
async fn while_it_is_down_nothing_is_authorised_and_everything_else_works() {
    let sandbox = Sandbox::quiet().await;
    let payment = Uuid::now_v7();
    let down = sandbox.authorise(payment, "tok_down", StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(down["errorCode"], "G002");
    sandbox.find(payment, StatusCode::NOT_FOUND).await;
    sandbox.cancel(payment, "void", None, StatusCode::OK).await;
    assert_eq!(sandbox.status_of(payment).await, "CANCELLED");
    sandbox.authorise(payment, "tok_down", StatusCode::SERVICE_UNAVAILABLE).await;
}

#[tokio::test]
async fn a_slow_payment_is_booked_before_its_caller_gives_up() {
    let sandbox = Sandbox::quiet().await;
    let payment = Uuid::now_v7();
    let impatient = sandbox.app().put(&format!("/v1/payments/{payment}")).bearer(&sandbox.home.token());
    let patience = HeaderName::from_static("x-request-timeout-ms");
    let answer = impatient.header(patience, "2000").json(&authorisation("tok_slow")).send().await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(sandbox.status_of(payment).await, "AUTHORISED");
    sandbox.authorise(payment, "tok_slow", StatusCode::OK).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_payment_is_pending_until_it_is_decided() {
    let sandbox = Sandbox::quiet().await;
    let payment = Uuid::now_v7();
    for _ in 0..2 {
        let pending = sandbox.authorise(payment, "tok_late_webhook", StatusCode::ACCEPTED).await;
        assert_eq!(pending["status"], "PENDING");
    }
    assert_eq!(sandbox.status_of(payment).await, "PENDING");
    sandbox.capture(payment, StatusCode::ACCEPTED).await;
    eventually(LIMIT, || async { sandbox.status_of(payment).await == "AUTHORISED" }).await;
    sandbox.authorise(payment, "tok_late_webhook", StatusCode::OK).await;
    assert_eq!(sandbox.capture(payment, StatusCode::OK).await["status"], "CAPTURED");
}

#[tokio::test(start_paused = true)]
async fn a_late_payment_that_is_cancelled_meanwhile_never_comes() {
    let sandbox = Sandbox::quiet().await;
    let payment = Uuid::now_v7();
    sandbox.authorise(payment, "tok_late_webhook", StatusCode::ACCEPTED).await;
    sandbox.cancel(payment, "void", None, StatusCode::OK).await;
    assert_eq!(sandbox.status_of(payment).await, "CANCELLED");
    // Asked for later, so decided later.
    let next = Uuid::now_v7();
    sandbox.authorise(next, "tok_late_webhook", StatusCode::ACCEPTED).await;
    eventually(LIMIT, || async { sandbox.status_of(next).await == "AUTHORISED" }).await;
    assert_eq!(sandbox.status_of(payment).await, "CANCELLED");
}
