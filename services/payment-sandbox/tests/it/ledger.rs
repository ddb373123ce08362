//! The ledger as others read it.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fixture::Sandbox;

async fn page(sandbox: &Sandbox, query: &str) -> Vec<Value> {
    let answer = sandbox.ask(Method::GET, &format!("/v1/ledger{query}"), None).await;
    answer.expect(StatusCode::OK).parsed()
}

#[tokio::test]
async fn the_ledger_is_read_in_pages_from_a_number_and_a_time_on() {
    let sandbox = Sandbox::quiet().await;
    let payment = Uuid::now_v7();
    sandbox.authorise(payment, "tok_approve", StatusCode::OK).await;
    sandbox.capture(payment, StatusCode::OK).await;
    sandbox.cancel(payment, "r1", Some(100), StatusCode::OK).await;
    sandbox.authorise(Uuid::now_v7(), "tok_decline", StatusCode::OK).await;
    sandbox.cancel(Uuid::now_v7(), "void", None, StatusCode::OK).await;
    let all = page(&sandbox, "").await;
    let short = all.iter().map(|entry| (entry["seq"].clone(), entry["booking"].clone()));
    let expected = ["AUTHORISE", "CAPTURE", "REFUND", "DECLINE", "CANCEL"];
    assert!(short.eq(expected.iter().enumerate().map(|(n, word)| (json!(n + 1), json!(word)))), "{all:?}");
    let refund = json!({
        "seq": 3, "at": all[2]["at"], "paymentId": payment, "orderId": Uuid::nil(), "booking": "REFUND",
        "amount": 100, "currency": "KRW", "key": "r1", "declineCode": null,
    });
    assert_eq!(all[2], refund);
    assert_eq!(page(&sandbox, "?limit=2").await, all[..2]);
    assert_eq!(page(&sandbox, "?after=2&limit=2").await, all[2..4]);
    assert_eq!(page(&sandbox, "?after=5").await, Vec::<Value>::new());
    let from = all[3]["at"].as_str().unwrap();
    assert_eq!(page(&sandbox, &format!("?from={from}")).await[0]["at"], all[3]["at"]);
    for query in ["?limit=0", "?limit=501", "?after=-1", "?from=yesterday", "?since=1"] {
        let answer = sandbox.ask(Method::GET, &format!("/v1/ledger{query}"), None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn only_those_who_must_may_read_and_only_store_moves_money() {
    let sandbox = Sandbox::quiet().await;
    let path = format!("/v1/payments/{}", Uuid::now_v7());
    for path in ["/v1/ledger", &path] {
        assert_eq!(sandbox.app().get(path).send().await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for (caller, reads, moves) in
        [("store", 200, 404), ("batch", 200, 403), ("operator", 200, 404), ("chat", 403, 403)]
    {
        let token = sandbox.home.keys.token(caller, "payment-sandbox");
        let read = sandbox.app().get("/v1/ledger").bearer(&token).send().await.status;
        let moved = sandbox.app().get(&path).bearer(&token).send().await.status;
        assert_eq!((read.as_u16(), moved.as_u16()), (reads, moves), "{caller}");
    }
    let other = sandbox.home.keys.token("store", "chat");
    let answer = sandbox.app().get(&path).bearer(&other).send().await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
