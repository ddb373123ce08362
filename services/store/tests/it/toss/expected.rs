//! What the fake is to be asked, and how it answers.

use http::Method;
use serde_json::{Value, json};

use super::stage::{AMOUNT, ORDER_ID, TOKEN};

/// One request, in all that matters about it.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) method: Method,
    /// With the query.
    pub(crate) target: String,
    pub(crate) key: Key,
    /// Null is none at all.
    pub(crate) body: Value,
    pub(crate) act: Act,
}

/// The `Idempotency-Key`.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    Absent,
    Exactly(&'static str),
    /// What follows is of the time.
    Beginning(String),
}

/// How a request is answered.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Say(u16, Value),
    /// With a time to come back.
    Throttle(&'static str),
    /// Not JSON, by whoever stands in front of the provider.
    Page(u16),
    /// The request is taken, and nothing comes.
    Silent,
    /// The beginning of an answer, then the connection breaks.
    Cut,
    /// More than anybody wants to hold.
    Endless,
    /// To somewhere else.
    Redirect(String),
}

/// A recorded answer.
pub(crate) fn say(document: &str) -> Act {
    Act::Say(200, recorded(document))
}

/// The error object.
pub(crate) fn refuse(status: u16, code: &str) -> Act {
    Act::Say(status, json!({ "code": code, "message": "결제 test_sk_doran0123456789 처리에 실패했습니다." }))
}

pub(crate) fn recorded(document: &str) -> Value {
    let path = format!("{}/tests/it/toss/recorded/{document}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// A recorded answer with some keys changed.
pub(crate) fn changed(document: &str, changes: &Value) -> Value {
    let mut document = recorded(document);
    for (key, value) in changes.as_object().unwrap() {
        assert!(document.get(key).is_some(), "{key} is no key of it");
        document[key] = value.clone();
    }
    document
}

pub(crate) fn confirmation(act: Act) -> Expected {
    Expected {
        method: Method::POST,
        target: "/v1/payments/confirm".to_owned(),
        key: Key::Exactly(ORDER_ID),
        body: json!({ "paymentKey": TOKEN, "orderId": ORDER_ID, "amount": AMOUNT }),
        act,
    }
}

pub(crate) fn question(act: Act) -> Expected {
    Expected {
        method: Method::GET,
        target: format!("/v1/payments/{TOKEN}"),
        key: Key::Absent,
        body: Value::Null,
        act,
    }
}

/// Of the whole, or of `amount`, when `balance` is left.
pub(crate) fn cancellation(key: &str, reason: &str, amount: Option<i64>, balance: i64, act: Act) -> Expected {
    let mut body = json!({ "cancelReason": format!("{reason} [{key}]"), "refundableAmount": balance });
    if let Some(amount) = amount {
        body["cancelAmount"] = json!(amount);
    }
    Expected {
        method: Method::POST,
        target: format!("/v1/payments/{TOKEN}/cancel"),
        key: Key::Beginning(format!("{key}.{balance}.")),
        body,
        act,
    }
}
