//! The documents of the API, as far as they matter here. Their other keys are of no interest.

use serde::{Deserialize, Deserializer, Serialize};

/// `POST /v1/payments/confirm`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Confirm<'a> {
    #[serde(rename = "paymentKey")]
    pub(super) key: &'a str,
    /// 6 to 64 letters, digits, `-` and `_`.
    pub(super) order_id: String,
    pub(super) amount: i64,
}

/// `POST /v1/payments/{paymentKey}/cancel`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cancel {
    /// Up to 200 characters.
    #[serde(rename = "cancelReason")]
    pub(super) reason: String,
    /// None is all that is left.
    #[serde(rename = "cancelAmount", skip_serializing_if = "Option::is_none")]
    pub(super) amount: Option<i64>,
    /// What is left before it. The API refuses when it is not so, hence nothing is given back twice.
    pub(super) refundable_amount: i64,
}

/// The Payment object.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    #[serde(rename = "paymentKey")]
    pub(super) key: String,
    pub(super) order_id: String,
    pub(super) status: Status,
    pub(super) currency: String,
    /// None in currencies that have decimals.
    #[serde(deserialize_with = "whole")]
    pub(super) total_amount: Option<i64>,
    /// What can still be given back.
    #[serde(deserialize_with = "whole")]
    pub(super) balance_amount: Option<i64>,
    #[serde(default)]
    pub(super) approved_at: Option<String>,
    #[serde(default)]
    pub(super) cancels: Option<Vec<Cancelled>>,
    #[serde(default)]
    pub(super) failure: Option<Refusal>,
}

/// How far a payment has come there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    /// Made, and the customer has not said yet that it is them.
    Ready,
    /// The customer has: waits for the confirmation.
    InProgress,
    /// A virtual account that nobody has paid into.
    WaitingForDeposit,
    Done,
    Canceled,
    PartialCanceled,
    Aborted,
    /// 30 minutes without the customer, or 10 without the confirmation.
    Expired,
    #[serde(other)]
    Unheard,
}

/// One of a payment's `cancels`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Cancelled {
    #[serde(rename = "cancelReason")]
    pub(super) reason: String,
    #[serde(rename = "cancelAmount", deserialize_with = "whole")]
    pub(super) amount: Option<i64>,
    /// At once `DONE` but for foreign wallets.
    #[serde(rename = "cancelStatus", default = "done")]
    pub(super) status: CancelStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum CancelStatus {
    Done,
    InProgress,
    Aborted,
    #[serde(other)]
    Unheard,
}

/// The error object, and a payment's `failure`. Its message is left alone: it may quote anything.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Refusal {
    pub(super) code: String,
}

/// The Transaction object: money that moved.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transaction {
    #[serde(rename = "transactionKey")]
    pub(super) key: String,
    pub(super) order_id: String,
    pub(super) currency: String,
    pub(super) status: Status,
    #[serde(deserialize_with = "whole")]
    pub(super) amount: Option<i64>,
    /// RFC 3339, in Korean time.
    #[serde(rename = "transactionAt")]
    pub(super) at: String,
}

fn done() -> CancelStatus {
    CancelStatus::Done
}

/// `1000` and `1000.0`, not `10.5`.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let number = Option::<serde_json::Number>::deserialize(deserializer)?;
    Ok(number.and_then(|number| {
        number.as_i64().or_else(|| number.to_string().strip_suffix(".0").and_then(|text| text.parse().ok()))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_whole_or_none() {
        for (text, expected) in [
            ("15000", Some(15000)),
            ("15000.0", Some(15000)),
            ("726.24", None),
            ("null", None),
            ("1e40", None),
        ] {
            let mut deserializer = serde_json::Deserializer::from_str(text);
            assert_eq!(whole(&mut deserializer).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_status_that_nobody_told_us_of_can_be_read() {
        assert_eq!(serde_json::from_str::<Status>("\"PARTIAL_CANCELED\"").unwrap(), Status::PartialCanceled);
        assert_eq!(serde_json::from_str::<Status>("\"ON_HOLD\"").unwrap(), Status::Unheard);
    }
}
