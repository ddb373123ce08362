//! What a webhook tells, which nothing proves.

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use store::payment::{Notice, NoticeError, Proof};

use super::expected::{changed, recorded};
use super::stage::{Stage, charge};

const ID: &str = "tosspayments-webhook-transmission-id";

async fn notice(headers: &HeaderMap, body: &Value) -> Result<Notice, NoticeError> {
    let stage = Stage::new([]).await;
    stage.provider.webhook(headers, body.to_string().as_bytes())
}

fn sent_as(id: &str) -> HeaderMap {
    HeaderMap::from_iter([(ID.parse().unwrap(), HeaderValue::from_str(id).unwrap())])
}

#[tokio::test]
async fn a_changed_payment_is_told_under_the_id_of_its_transmission() {
    let notice = notice(&sent_as("evt-1"), &recorded("webhook_payment_status_changed")).await.unwrap();
    let expected = Notice { event_id: "evt-1".to_owned(), payment: charge().payment, proof: Proof::None };
    assert_eq!(notice, expected);
}

#[tokio::test]
async fn without_a_usable_id_the_body_is_its_own() {
    let body = recorded("webhook_payment_status_changed");
    let none = notice(&HeaderMap::new(), &body).await.unwrap().event_id;
    for id in ["", &"x".repeat(101), "two words"] {
        assert_eq!(notice(&sent_as(id), &body).await.unwrap().event_id, none, "{id}");
    }
    let later = json!({ "createdAt": "2025-11-01T10:15:42.000000" });
    let other = notice(&HeaderMap::new(), &changed("webhook_payment_status_changed", &later)).await;
    assert_ne!(other.unwrap().event_id, none);
}

#[tokio::test]
async fn what_is_about_no_payment_of_ours_is_told_apart_from_what_cannot_be_read() {
    let mut foreign = recorded("webhook_payment_status_changed");
    foreign["data"]["orderId"] = json!("OTHER_SHOP_20251102_1");
    let payout =
        json!({ "eventType": "payout.changed", "eventId": "1", "entityType": "payout", "entityBody": {} });
    for body in [foreign, payout, recorded("webhook_deposit_callback"), json!({})] {
        let result = notice(&sent_as("evt-1"), &body).await;
        assert!(matches!(result, Err(NoticeError::NotOurs)), "{body}: {result:?}");
    }
    let stage = Stage::new([]).await;
    let result = stage.provider.webhook(&HeaderMap::new(), b"<html>");
    assert!(matches!(result, Err(NoticeError::Unreadable(_))), "{result:?}");
}
