//! The sandbox provider: its own process on this machine, reached like any other service.

use std::time::Duration;

use chassis::client::{CallError, ServiceClient};
use chassis::{Platform, Secret};
use chrono::{DateTime, SecondsFormat, Utc};
use contract::env::PAYMENT_SANDBOX;
use contract::payment::{
    self, Authorise, Booking, Cancel, Capture, Entry, Payment, SIGNATURE_HEADER, Status, Webhook,
};
use http::{HeaderMap, Method, StatusCode};
use tracing::debug;

use super::port::{
    Authorisation, Booked, Change, Charge, Movement, Movements, Notice, NoticeError, Proof, Unanswered,
};
use super::signature::{SignatureError, Signed};

/// One call, repeats included; well within a saga's lease.
const LIMIT: Duration = Duration::from_secs(3);
/// Entries of the ledger in one answer, as many as it gives.
const PAGE: usize = 500;

#[derive(Clone)]
pub struct Sandbox {
    client: ServiceClient,
    /// Without one no webhook is believed.
    secret: Option<Secret>,
}

impl Sandbox {
    pub fn new(platform: &Platform, secret: Option<Secret>) -> Self {
        Self { client: platform.client(PAYMENT_SANDBOX, LIMIT), secret }
    }

    pub async fn authorise(&self, charge: &Charge) -> Authorisation {
        let body = Authorise {
            order_id: charge.order,
            amount: charge.amount,
            currency: charge.currency.clone(),
            method: charge.method.clone(),
            token: charge.token.clone(),
        };
        let answer = self.client.put::<Payment>(&payment::path::payment(charge.payment), &body).await;
        match answer {
            Ok(payment) => booked(payment).authorisation(),
            // What was not even understood cannot have come to anything, this time or any other.
            Err(error) => match refusal(&error) {
                Some((StatusCode::BAD_REQUEST, code)) => Authorisation::Declined { code },
                _ => Authorisation::Unknown { reason: reason(&error) },
            },
        }
    }

    pub async fn capture(&self, charge: &Charge) -> Change {
        let path = payment::path::capture(charge.payment);
        match self
            .client
            .request(Method::POST, &path)
            .key("capture")
            .json(&Capture {})
            .send::<Payment>()
            .await
        {
            Ok(payment) if payment.status == Status::Pending => {
                Change::Unknown { reason: "the provider has not decided yet".to_owned() }
            }
            Ok(_) => Change::Done,
            Err(error) => changed(&error),
        }
    }

    pub async fn cancel(&self, charge: &Charge, amount: Option<i64>, key: &str, reason: &str) -> Change {
        let body = Cancel { key: key.to_owned(), amount, reason: reason.to_owned() };
        let path = payment::path::cancel(charge.payment);
        match self.client.request(Method::POST, &path).key(key).json(&body).send::<Payment>().await {
            Ok(_) => Change::Done,
            Err(error) => changed(&error),
        }
    }

    pub async fn find(&self, charge: &Charge) -> Result<Option<Booked>, Unanswered> {
        match self.client.get::<Payment>(&payment::path::payment(charge.payment)).await {
            Ok(payment) => Ok(Some(booked(payment))),
            Err(error) => match refusal(&error) {
                Some((StatusCode::NOT_FOUND, _)) => Ok(None),
                _ => Err(Unanswered { reason: reason(&error) }),
            },
        }
    }

    pub async fn bookings(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        after: Option<&str>,
    ) -> Result<Movements, Unanswered> {
        let since = from.to_rfc3339_opts(SecondsFormat::Micros, true);
        let path =
            format!("{}?from={since}&after={}&limit={PAGE}", payment::path::LEDGER, after.unwrap_or("0"));
        let entries: Vec<Entry> =
            self.client.get(&path).await.map_err(|error| Unanswered { reason: reason(&error) })?;
        Ok(movements(&entries, to))
    }

    pub fn webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Notice, NoticeError> {
        let secret = self.secret.as_ref().ok_or(SignatureError::NoSecret)?;
        let header = headers.get(SIGNATURE_HEADER).ok_or(SignatureError::Missing)?;
        let header = header.to_str().map_err(|_not_text| SignatureError::Malformed)?;
        Signed::parse(header)?.verify(secret, body, now)?;
        let webhook: Webhook = serde_json::from_slice(body)?;
        Ok(Notice { event_id: webhook.event_id, payment: webhook.payment.id, proof: Proof::Signature })
    }
}

fn booked(payment: Payment) -> Booked {
    Booked {
        payment: payment.id,
        reference: payment.reference,
        status: payment.status,
        captured: payment.captured_amount,
        refunded: payment.refunded_amount,
        decline_code: payment.decline_code,
    }
}

/// Entries are in order of time, so behind one that is too late nothing more is wanted.
fn movements(entries: &[Entry], to: DateTime<Utc>) -> Movements {
    let wanted = entries.iter().take_while(|entry| entry.at < to).count();
    let more = wanted == entries.len();
    let moved = entries[..wanted].iter().filter_map(|entry| {
        let amount = match entry.booking {
            Booking::Capture => entry.amount,
            Booking::Refund => -entry.amount,
            // No money moved.
            Booking::Authorise | Booking::Decline | Booking::Cancel => return None,
        };
        Some(Movement { at: entry.at, payment: entry.payment_id, amount })
    });
    Movements {
        movements: moved.collect(),
        next: entries.last().filter(|_| more).map(|entry| entry.seq.to_string()),
    }
}

fn changed(error: &CallError) -> Change {
    match refusal(error) {
        Some((StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::CONFLICT, code)) => {
            Change::Refused { code }
        }
        _ => Change::Unknown { reason: reason(error) },
    }
}

/// Only what the provider itself says, in its own words: anybody on the way can answer with a status.
fn refusal(error: &CallError) -> Option<(StatusCode, String)> {
    Some((error.status()?, error.code()?.to_string()))
}

fn reason(error: &CallError) -> String {
    debug!("the payment provider gave no usable answer: {error}");
    error.to_string()
}
