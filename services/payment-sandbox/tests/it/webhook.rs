//! Webhooks, as a store gets them that listens.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use testkit::eventually;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::fixture::{SECRET, Sandbox};

const LIMIT: Duration = Duration::from_secs(20);

/// A store that writes down what it is told. It refuses the first few with 500.
#[derive(Clone, Default)]
struct Store {
    told: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    refusals: Arc<Mutex<u32>>,
}

impl Store {
    /// With a sandbox that tells it.
    async fn listening(refusals: u32) -> (Self, Sandbox) {
        let store = Self { told: Arc::default(), refusals: Arc::new(Mutex::new(refusals)) };
        let router =
            Router::new().route(contract::payment::path::WEBHOOK, post(hear)).with_state(store.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = axum::serve(listener, router).into_future();
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(serving);
        let sandbox = Sandbox::with(&[("DORAN_STORE_URLS", url)]).await;
        (store, sandbox)
    }

    fn bodies(&self) -> Vec<Value> {
        let told = self.told.lock().unwrap();
        told.iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }

    /// What it was told, as soon as there is so much of it.
    async fn told(&self, count: usize) -> Vec<Value> {
        eventually(LIMIT, || async { Some(self.bodies()).filter(|bodies| bodies.len() >= count) }).await
    }
}

async fn hear(State(store): State<Store>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut refusals = store.refusals.lock().unwrap();
    if *refusals > 0 {
        *refusals -= 1;
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    store.told.lock().unwrap().push((headers, body));
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn every_booking_is_told_and_signed() {
    let (store, sandbox) = Store::listening(0).await;
    let payment = Uuid::now_v7();
    let held = sandbox.authorise(payment, "tok_approve", StatusCode::OK).await;
    let told = store.told(1).await;
    let ledger = sandbox.ask(http::Method::GET, "/v1/ledger", None).await.json();
    let expected = json!({
        "eventId": format!("evt_{}_1", payment.simple()), "occurredAt": ledger[0]["at"], "payment": held,
    });
    assert_eq!(told, [expected]);
    sandbox.capture(payment, StatusCode::OK).await;
    sandbox.capture(payment, StatusCode::OK).await;
    sandbox.cancel(payment, "r", None, StatusCode::OK).await;
    let told = store.told(3).await;
    let mut words: Vec<_> = told.iter().map(|news| news["payment"]["status"].as_str().unwrap()).collect();
    words.sort_unstable();
    assert_eq!(words, ["AUTHORISED", "CANCELLED", "CAPTURED"], "a repeat is no news");
    for (headers, body) in store.told.lock().unwrap().iter() {
        prove(headers["x-payment-signature"].to_str().unwrap(), body);
    }
}

/// That the header belongs to the body.
fn prove(header: &str, body: &[u8]) {
    let (time, tag) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let tag: Vec<_> =
        (0..tag.len()).step_by(2).map(|n| u8::from_str_radix(&tag[n..n + 2], 16).unwrap()).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::verify(&key, &[time.as_bytes(), b".", body].concat(), &tag).expect("it is signed with the secret");
}

#[tokio::test]
async fn a_webhook_that_fails_is_sent_again() {
    let (store, sandbox) = Store::listening(2).await;
    sandbox.authorise(Uuid::now_v7(), "tok_approve", StatusCode::OK).await;
    store.told(1).await;
    assert_eq!(*store.refusals.lock().unwrap(), 0);
}

#[tokio::test]
async fn webhooks_come_three_times_or_late_and_in_disorder_if_the_token_says_so() {
    let (store, sandbox) = Store::listening(0).await;
    sandbox.authorise(Uuid::now_v7(), "tok_dup_webhook", StatusCode::OK).await;
    let thrice = store.told(3).await;
    assert!(thrice.iter().all(|news| *news == thrice[0]), "{thrice:?}");
    let late = Uuid::now_v7();
    sandbox.authorise(late, "tok_late_webhook", StatusCode::ACCEPTED).await;
    let told = store.told(5).await;
    let (new, old) = (&told[3], &told[4]);
    assert_eq!(
        (&new["payment"]["status"], &old["payment"]["status"]),
        (&json!("AUTHORISED"), &json!("PENDING"))
    );
    assert!(old["occurredAt"].as_str() < new["occurredAt"].as_str(), "the older one came last");
    assert_ne!(old["eventId"], new["eventId"]);
    assert_eq!(sandbox.status_of(late).await, "AUTHORISED");
}
