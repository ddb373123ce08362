//! Webhooks of the payment provider.

use std::time::Duration;

use aws_lc_rs::hmac;
use chrono::Utc;
use contract::payment::SIGNATURE_HEADER;
use contract::store::{Order, OrderStatus};
use http::{HeaderName, StatusCode, header};
use serde_json::json;
use testkit::{TestResponse, eventually};

use super::shop::{SECRET, Shop};

const WEBHOOK: &str = "/api/store/payments/webhook";
const LIMIT: Duration = Duration::from_secs(30);

fn signature(secret: &str, body: &str) -> String {
    let now = Utc::now().timestamp();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{now}.{body}").as_bytes());
    tag.as_ref().iter().fold(format!("t={now},v1="), |header, byte| format!("{header}{byte:02x}"))
}

fn told(event: &str, payment: &str) -> String {
    json!({
        "eventId": event,
        "occurredAt": Utc::now(),
        "payment": {
            "id": payment, "reference": "r", "orderId": null, "status": "CAPTURED", "amount": 1000,
            "currency": "KRW", "capturedAmount": 1000, "refundedAmount": 0, "declineCode": null,
        },
    })
    .to_string()
}

impl Shop {
    async fn webhook(&self, signature: Option<&str>, body: &str) -> TestResponse {
        let request = self.app.post(WEBHOOK).header(header::CONTENT_TYPE, "application/json");
        let request = match signature {
            Some(signature) => request.header(HeaderName::from_static(SIGNATURE_HEADER), signature),
            None => request,
        };
        request.body(body.to_owned()).send().await
    }

    async fn signed(&self, body: &str) -> TestResponse {
        self.webhook(Some(&signature(SECRET, body)), body).await
    }
}

#[tokio::test]
async fn only_what_the_provider_has_signed_is_taken() {
    let shop = Shop::open().await;
    let payment = shop.somebody().id.to_string();
    let body = told("e1", &payment);
    for wrong in [
        None,
        Some(""),
        Some("t=1,v1=00"),
        Some(&*signature("another secret", &body)),
        Some(&*signature(SECRET, "{}")),
    ] {
        let refused = shop.webhook(wrong, &body).await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(refused.json()["errorCode"], "A002", "{wrong:?}");
    }
    assert_eq!(shop.signed(r#"{"some":"thing"}"#).await.status, StatusCode::BAD_REQUEST);
    let long = format!("{{\"filler\":\"{}\"}}", "x".repeat(65 * 1024));
    assert_eq!(shop.signed(&long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(shop.count("select count(*) from payment_event").await, 0);
    assert_eq!(shop.signed(&body).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_webhook_is_stored_once_and_its_word_is_not_taken() {
    let shop = Shop::open().await;
    let user = shop.somebody();
    let order = shop.order(&user, shop.item(5).await, 1, "tok_decline").await.parsed::<Order>();
    let payment = order.payment.as_ref().unwrap().id.to_string();
    for (event, payment) in [("e1", &payment), ("e1", &payment), ("e2", &user.id.to_string())] {
        assert_eq!(shop.signed(&told(event, payment)).await.status, StatusCode::NO_CONTENT);
    }
    let forged = "select count(*) from payment_event where event_id in ('e1', 'e2')";
    assert_eq!(shop.count(forged).await, 2);
    let unknown = "select count(*) from payment_event where event_id = 'e2' and payment_id is null and applied_at is null";
    assert_eq!(shop.count(unknown).await, 1, "of a payment that is not ours");
    assert_eq!(shop.read(&user, &order).await, order);
}

#[tokio::test]
async fn an_order_whose_payment_is_decided_later_goes_on_by_its_webhook() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(5).await);
    let order: Order = shop.order(&user, item, 1, "tok_late_webhook").await.parsed();
    eventually(LIMIT, || async { shop.read(&user, &order).await.status == OrderStatus::Confirmed }).await;
    eventually(LIMIT, || async {
        shop.count("select count(*) from payment_event where applied_at is not null").await > 0
    })
    .await;
    eventually(LIMIT, || async { shop.stock(item).await == (4, 0, 1) }).await;
}

#[tokio::test]
async fn webhooks_that_come_three_times_change_nothing() {
    let shop = Shop::open().await;
    let (user, item) = (shop.somebody(), shop.item(5).await);
    let order: Order =
        shop.order(&user, item, 1, "tok_dup_webhook").await.expect(StatusCode::CREATED).parsed();
    eventually(LIMIT, || async { shop.count("select count(*) from payment_event").await >= 2 }).await;
    assert_eq!(shop.read(&user, &order).await, order);
    assert_eq!(shop.stock(item).await, (4, 0, 1));
}
