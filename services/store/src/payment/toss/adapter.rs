//! The provider port, answered by the API.

use std::sync::Arc;
use std::time::Duration;

use chassis::client::Breakers;
use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};
use contract::payment::Status::Pending;
use http::HeaderMap;
use tokio::time::Instant;
use tracing::debug;

use super::api::{Api, BOOKS_LIMIT};
use super::books::{CURRENCY, booked, is_of, movement};
use super::config::TossConfig;
use super::error::TossError;
use super::refund::{Standing, Wanted};
use super::refusal::{Meaning, meaning};
use super::webhook;
use super::wire::{Confirm, Status};
use crate::payment::port::{
    Authorisation, Booked, Change, Charge, Movements, Notice, NoticeError, Unanswered,
};

/// Transactions in one answer; the API gives up to 5000.
const PAGE: usize = 1000;
/// Of a payment's key, by the reference.
const LONGEST_TOKEN: usize = 200;
/// The list of transactions is asked for in Korean time.
const KOREA_SECS: i32 = 9 * 3600;

/// Cheap to clone; clones share connections and the breaker.
#[derive(Clone)]
pub struct Toss {
    api: Arc<Api>,
    /// Of one step.
    limit: Duration,
}

impl Toss {
    /// Its breaker is one of `breakers`, so that operators see it and can open or close it.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up, e.g. because the machine has no root certificates.
    pub fn new(config: &TossConfig, breakers: &Breakers) -> Result<Self, reqwest::Error> {
        Ok(Self { api: Arc::new(Api::new(config, breakers)?), limit: config.timeout })
    }

    /// Confirms the payment, which takes the money. Every attempt carries the same idempotency key, so they come to
    /// one answer.
    pub async fn authorise(&self, charge: &Charge) -> Authorisation {
        let declined = |code: &str| Authorisation::Declined { code: code.to_owned() };
        if !is_usable(&charge.token) {
            return declined("INVALID_TOKEN");
        }
        if charge.currency != CURRENCY {
            return declined("UNSUPPORTED_CURRENCY");
        }
        let deadline = Instant::now() + self.limit;
        let order_id = charge.payment.to_string();
        let body = Confirm { key: &charge.token, order_id, amount: charge.amount };
        match self.api.confirm(&body, &charge.payment.to_string(), deadline).await {
            // An answer about another payment is no answer.
            Ok(payment) if !is_of(&payment, charge) => {
                Authorisation::Unknown { reason: "the answer is about another payment".to_owned() }
            }
            Ok(payment) => booked(&payment, charge).authorisation(),
            Err(TossError::Refused { status, code: Some(code), .. }) => match meaning(status, Some(&code)) {
                Meaning::Declined => declined(&code),
                Meaning::Standing => self.refused(charge, &code, deadline).await,
                Meaning::Passing | Meaning::Ours => Authorisation::Unknown {
                    reason: TossError::Refused { status, code: Some(code), retry_after: None }.to_string(),
                },
            },
            Err(error) => Authorisation::Unknown { reason: reason(&error) },
        }
    }

    /// After a refusal that does not say what became of the payment: `ALREADY_PROCESSED_PAYMENT`, or a code that is
    /// not on any list.
    async fn refused(&self, charge: &Charge, code: &str, deadline: Instant) -> Authorisation {
        match self.api.payment(&charge.token, deadline).await {
            // A key's first answer is its only one, so what was refused and is not done never will be.
            Ok(payment) if code != "ALREADY_PROCESSED_PAYMENT" && is_unconfirmed(payment.status) => {
                Authorisation::Declined { code: code.to_owned() }
            }
            Ok(payment) => booked(&payment, charge).authorisation(),
            Err(error) if error.is_not_there() => Authorisation::Declined { code: code.to_owned() },
            Err(error) => Authorisation::Unknown { reason: format!("{code}, and then {}", reason(&error)) },
        }
    }

    /// The money was taken by the confirmation: what is authorised here is captured.
    pub fn capture() -> Change {
        Change::Done
    }

    /// Asks how the payment stands, then gives back. A payment that is not confirmed cannot be cancelled there; it
    /// expires within half an hour, and until then it is not known that nothing will be taken.
    pub async fn cancel(&self, charge: &Charge, amount: Option<i64>, key: &str, reason: &str) -> Change {
        let wanted = Wanted { charge, amount, key };
        if !is_usable(&charge.token) {
            return wanted.nothing_there();
        }
        let deadline = Instant::now() + self.limit;
        let balance = match self.standing(&wanted, deadline).await {
            Standing::Over(end) => return end,
            Standing::Open { balance } => balance,
        };
        let request = wanted.request(reason, balance);
        let idempotency_key = wanted.idempotency_key(balance, Utc::now());
        match self.api.cancel(&charge.token, &request, &idempotency_key, deadline).await {
            Ok(payment) => match wanted.standing(&payment) {
                Standing::Over(end) => end,
                Standing::Open { .. } => {
                    Change::Unknown { reason: "the answer is without the cancellation".to_owned() }
                }
            },
            Err(TossError::Refused { status, code: Some(code), .. })
                if matches!(meaning(status, Some(&code)), Meaning::Standing | Meaning::Declined) =>
            {
                self.not_cancelled(&wanted, code, balance, deadline).await
            }
            Err(error) => Change::Unknown { reason: self::reason(&error) },
        }
    }

    /// After a refusal: it may be so already, or the books have moved on in between. If neither, it is final.
    async fn not_cancelled(
        &self,
        wanted: &Wanted<'_>,
        code: String,
        before: i64,
        deadline: Instant,
    ) -> Change {
        match self.standing(wanted, deadline).await {
            Standing::Over(end) => end,
            Standing::Open { balance } if balance == before && !is_about_the_moment(&code) => {
                Change::Refused { code }
            }
            Standing::Open { .. } => Change::Unknown { reason: code },
        }
    }

    async fn standing(&self, wanted: &Wanted<'_>, deadline: Instant) -> Standing {
        match self.api.payment(&wanted.charge.token, deadline).await {
            Ok(payment) => wanted.standing(&payment),
            Err(error) if error.is_not_there() => Standing::Over(wanted.nothing_there()),
            Err(error) => Standing::Over(Change::Unknown { reason: reason(&error) }),
        }
    }

    /// A payment that nobody has confirmed has not arrived: it is the customer's half of one. If a confirmation is on
    /// its way, another one with the same key changes nothing.
    pub async fn find(&self, charge: &Charge) -> Result<Option<Booked>, Unanswered> {
        if !is_usable(&charge.token) {
            return Ok(None);
        }
        match self.api.payment(&charge.token, Instant::now() + self.limit).await {
            Ok(payment) => Ok(Some(booked(&payment, charge))
                .filter(|booked| !(is_unconfirmed(payment.status) && booked.status == Pending))),
            Err(error) if error.is_not_there() => Ok(None),
            Err(error) => Err(Unanswered { reason: reason(&error) }),
        }
    }

    /// Up to a minute for a page. `after` is the last transaction's key.
    pub async fn bookings(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        after: Option<&str>,
    ) -> Result<Movements, Unanswered> {
        // Both ends belong to the answer, and it knows whole seconds.
        let (start, end) = (korean(from), korean(to - TimeDelta::nanoseconds(1)));
        let limit = PAGE.to_string();
        let mut query = vec![("startDate", &*start), ("endDate", &*end), ("limit", &*limit)];
        query.extend(after.map(|key| ("startingAfter", key)));
        let transactions = self
            .api
            .transactions(&query, Instant::now() + BOOKS_LIMIT)
            .await
            .map_err(|error| Unanswered { reason: reason(&error) })?;
        Ok(Movements {
            movements: transactions.iter().filter_map(|entry| movement(entry, from, to)).collect(),
            next: transactions.last().filter(|_| transactions.len() >= PAGE).map(|last| last.key.clone()),
        })
    }

    pub fn webhook(headers: &HeaderMap, body: &[u8]) -> Result<Notice, NoticeError> {
        webhook::notice(headers, body)
    }
}

/// What a payment's key can be; anything else would mean something in a path.
fn is_usable(token: &str) -> bool {
    (1..=LONGEST_TOKEN).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

const fn is_unconfirmed(status: Status) -> bool {
    matches!(status, Status::Ready | Status::InProgress)
}

/// The balance was another one for a moment, or the bank sleeps.
fn is_about_the_moment(code: &str) -> bool {
    matches!(code, "NOT_MATCHES_REFUNDABLE_AMOUNT" | "NOT_AVAILABLE_BANK")
}

/// `2022-01-01T00:00:00`
fn korean(at: DateTime<Utc>) -> String {
    let korea = FixedOffset::east_opt(KOREA_SECS).expect("nine hours are less than a day");
    let text = at.with_timezone(&korea).to_rfc3339_opts(SecondsFormat::Secs, false);
    text.trim_end_matches("+09:00").to_owned()
}

fn reason(error: &TossError) -> String {
    debug!(cause = std::error::Error::source(error).map(ToString::to_string), "{error}");
    error.to_string()
}
