//! What a webhook tells. Pure.
//!
//! Nothing proves `PAYMENT_STATUS_CHANGED`: the signature header (`tosspayments-webhook-signature`) exists for
//! `payout.changed` and `seller.changed` alone, and the `secret` of `DEPOSIT_CALLBACK` for virtual accounts, neither
//! of which is taken here. So a webhook is a hint that a payment should be asked for, worth one question.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde::Deserialize;

use crate::payment::port::{Notice, NoticeError, Proof};

const EVENT: &str = "PAYMENT_STATUS_CHANGED";
/// The same for every repeat of an event.
const TRANSMISSION_ID: &str = "tosspayments-webhook-transmission-id";
/// Longer ones than any that was seen are not kept.
const LONGEST_ID: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    #[serde(default)]
    event_type: Option<String>,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default)]
    order_id: Option<String>,
}

pub(super) fn notice(headers: &HeaderMap, body: &[u8]) -> Result<Notice, NoticeError> {
    let webhook: Webhook = serde_json::from_slice(body)?;
    if webhook.event_type.as_deref() != Some(EVENT) {
        return Err(NoticeError::NotOurs);
    }
    let order = webhook.data.and_then(|data| data.order_id).ok_or(NoticeError::NotOurs)?;
    let payment = order.parse().map_err(|_not_an_id| NoticeError::NotOurs)?;
    Ok(Notice { event_id: event_id(headers, body), payment, proof: Proof::None })
}

fn event_id(headers: &HeaderMap, body: &[u8]) -> String {
    let given = headers.get(TRANSMISSION_ID).and_then(|id| id.to_str().ok());
    let plain =
        |id: &&str| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    given.filter(plain).map_or_else(|| URL_SAFE_NO_PAD.encode(digest(&SHA256, body)), str::to_owned)
}
