//! The API of the sandbox payment provider, its webhooks, and its ledger.
//!
//! A payment is authorised and later captured, or cancelled; what was captured can be given back in parts. Every
//! write carries the caller's key and may be repeated with it. The caller chooses the payment's id, so a payment can
//! be asked for although no answer ever came. Who cancels a payment that is not there closes its id for ever.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::id::{OrderId, PaymentId};
use crate::word::word;

/// Paths of the API, open to other services' tokens.
pub mod path {
    use crate::id::PaymentId;

    /// GET `?after=<seq>&from=<time>&limit=` answers [`super::Entry`]s in order, an empty array at the end.
    pub const LEDGER: &str = "/v1/ledger";

    /// Of store: POST takes a [`super::Webhook`].
    pub const WEBHOOK: &str = "/api/store/payments/webhook";

    /// GET answers a [`super::Payment`], 404 for one that was never asked for. PUT takes an [`super::Authorise`].
    pub fn payment(payment: PaymentId) -> String {
        format!("/v1/payments/{payment}")
    }

    /// POST takes a [`super::Capture`].
    pub fn capture(payment: PaymentId) -> String {
        format!("/v1/payments/{payment}/capture")
    }

    /// POST takes a [`super::Cancel`].
    pub fn cancel(payment: PaymentId) -> String {
        format!("/v1/payments/{payment}/cancel")
    }
}

word! {
    /// How far a payment has come at the provider.
    Status {
        // The answer comes later, by webhook and to whoever asks again.
        Pending = "PENDING",
        Authorised = "AUTHORISED", Declined = "DECLINED", Captured = "CAPTURED",
        // Nothing is held or kept any more.
        Cancelled = "CANCELLED",
        // A part of what was captured went back.
        PartiallyRefunded = "PARTIALLY_REFUNDED",
    }
}

/// `PUT /v1/payments/{id}`: holds the amount. Repeating it is harmless, and answers with the payment as it is by
/// then. Another order, amount or currency under the same id is a conflict (409).
#[derive(Debug, Clone, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Authorise {
    pub order_id: OrderId,
    /// In minor units, above 0.
    #[garde(range(min = 1))]
    pub amount: i64,
    pub currency: String,
    pub method: String,
    /// The means of payment; in the sandbox it says what happens: `tok_approve`, `tok_decline`, `tok_slow`,
    /// `tok_lost_answer`, `tok_dup_webhook`, `tok_late_webhook`, `tok_down`.
    pub token: String,
}

/// `POST /v1/payments/{id}/capture`: takes the amount that is held, all of it. Repeating it is harmless.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Capture {}

/// `POST /v1/payments/{id}/cancel`: gives back what is held, or what was taken. The same `key` gives back once.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Cancel {
    /// Up to 100 characters.
    #[garde(length(chars, min = 1, max = 100))]
    pub key: String,
    /// None is all that is left, also if that is nothing, and closes an id that is not there. Only what was captured
    /// can be given back in parts.
    #[garde(inner(range(min = 1)))]
    pub amount: Option<i64>,
    pub reason: String,
}

/// A payment as the provider has it. Every key is always present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    pub id: PaymentId,
    /// The provider's own name for it.
    pub reference: String,
    pub order_id: Option<OrderId>,
    pub status: Status,
    pub amount: i64,
    /// Empty where an id was closed that was never paid with.
    pub currency: String,
    pub captured_amount: i64,
    /// Of what was captured.
    pub refunded_amount: i64,
    /// Why it was declined, for programs: `CARD_DECLINED`.
    pub decline_code: Option<String>,
}

/// What a webhook carries, in the body. The header [`SIGNATURE_HEADER`] proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// The same again is a duplicate.
    pub event_id: String,
    /// When the change happened, not when it was sent.
    #[serde(with = "crate::time::micros")]
    pub occurred_at: DateTime<Utc>,
    pub payment: Payment,
}

/// `t=<Unix seconds>,v1=<hex of HMAC-SHA256 over "<t>.<body>">`, with the secret that provider and store share.
pub const SIGNATURE_HEADER: &str = "x-payment-signature";

word! {
    /// What an entry of the ledger books.
    Booking { Authorise = "AUTHORISE", Decline = "DECLINE", Capture = "CAPTURE", Cancel = "CANCEL", Refund = "REFUND" }
}

/// A line of the ledger: the file holds one JSON object a line, in order of `seq`, and only grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// 1, 2, 3 …
    pub seq: u64,
    #[serde(with = "crate::time::micros")]
    pub at: DateTime<Utc>,
    pub payment_id: PaymentId,
    /// None where an id was closed that was never paid with.
    pub order_id: Option<OrderId>,
    pub booking: Booking,
    /// What was held, taken or given back by this; of a decline, what was asked for.
    pub amount: i64,
    /// Empty where an id was closed that was never paid with.
    pub currency: String,
    /// The caller's key, of what was cancelled or refunded.
    pub key: Option<String>,
    /// Why it was declined.
    pub decline_code: Option<String>,
}
