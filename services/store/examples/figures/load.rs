//! Buyers who order one thing after the other.

use std::sync::Arc;
use std::time::Duration;

use contract::id::ItemId;
use contract::store::{Order, OrderStatus, PaymentStatus};
use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::stage::Stage;
use crate::summary::Summary;

/// How long each order took, from the request to the answer that it is confirmed and paid for.
pub(crate) async fn orders(stage: &Stage, buyers: usize, time: Duration, items: &[ItemId]) {
    let items: Arc<[ItemId]> = items.into();
    let until = Instant::now() + time;
    let mut buying = JoinSet::new();
    for n in 0..buyers {
        let (url, token, items) = (format!("{}/api/store/orders", stage.url), stage.token(), items.clone());
        buying.spawn(async move {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let (mut times, mut turn) = (Vec::new(), n);
            while Instant::now() < until {
                turn += buyers;
                times.push(order(&http, &url, &token, items[turn % items.len()]).await);
            }
            times
        });
    }
    let began = Instant::now();
    let times = Summary::of(buying.join_all().await.into_iter().flatten());
    report(&format!("{buyers} buyers"), &times, began.elapsed());
}

async fn order(http: &reqwest::Client, url: &str, token: &str, item: ItemId) -> Duration {
    let body = json!({
        "items": [{ "itemId": item, "quantity": 1 }],
        "payment": { "method": "card", "token": "tok_approve" },
    });
    let began = Instant::now();
    let request = http.post(url).bearer_auth(token).header("idempotency-key", Uuid::now_v7().to_string());
    let answer = request.json(&body).send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(matches!(status, StatusCode::CREATED | StatusCode::ACCEPTED), "{status} {text}");
    let mut order: Order = serde_json::from_str(&text).unwrap();
    // What takes the store longer than it waits counts with the time that it takes.
    while order.payment.as_ref().map(|payment| payment.status) != Some(PaymentStatus::Captured) {
        assert!(matches!(order.status, OrderStatus::Pending | OrderStatus::Confirmed), "{order:?}");
        let answer = http.get(format!("{url}/{}", order.id)).bearer_auth(token).send().await.unwrap();
        order = answer.error_for_status().unwrap().json().await.unwrap();
    }
    began.elapsed()
}

pub(crate) fn report(what: &str, times: &Summary, took: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = times.count() as f64 / took.as_secs_f64();
    println!("{what:<44} {rate:>8.0}/s  {times}");
}
