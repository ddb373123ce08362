//! The payment provider: other people's system, hence the one port of this service.
//!
//! Everything it is told can be told again: it is named by our payment's id and our keys. What it does not answer
//! in time is unknown, never failed.

mod port;
mod sandbox;
mod signature;
mod toss;

use chassis::Platform;
use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::config::PaymentConfig;
pub use port::{
    Authorisation, Booked, Change, Charge, Movement, Movements, Notice, NoticeError, Proof, Unanswered,
};
pub use sandbox::Sandbox;
pub use signature::SignatureError;
pub use toss::{Toss, TossConfig};

/// Who takes the money. Cheap to clone.
#[derive(Clone)]
pub enum Provider {
    Sandbox(Sandbox),
    Toss(Toss),
}

impl Provider {
    /// # Errors
    /// When the client of a provider outside cannot be set up.
    pub fn new(config: &PaymentConfig, platform: &Platform) -> Result<Self, reqwest::Error> {
        Ok(match config {
            PaymentConfig::Sandbox { webhook_secret } => {
                Self::Sandbox(Sandbox::new(platform, webhook_secret.clone()))
            }
            PaymentConfig::Toss(toss) => Self::Toss(Toss::new(toss, platform.breakers())?),
        })
    }

    /// As it stands in a payment's row.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sandbox(_) => "sandbox",
            Self::Toss(_) => "toss",
        }
    }

    /// Holds the amount.
    pub async fn authorise(&self, charge: &Charge) -> Authorisation {
        match self {
            Self::Sandbox(sandbox) => sandbox.authorise(charge).await,
            Self::Toss(toss) => toss.authorise(charge).await,
        }
    }

    /// Takes the amount that is held, all of it.
    pub async fn capture(&self, charge: &Charge) -> Change {
        match self {
            Self::Sandbox(sandbox) => sandbox.capture(charge).await,
            Self::Toss(_) => Toss::capture(),
        }
    }

    /// Gives back what is held or was taken: `amount` of it, or all that is left. The same key gives back once.
    /// Closes the id of a payment that never arrived there.
    pub async fn cancel(&self, charge: &Charge, amount: Option<i64>, key: &str, reason: &str) -> Change {
        match self {
            Self::Sandbox(sandbox) => sandbox.cancel(charge, amount, key, reason).await,
            Self::Toss(toss) => toss.cancel(charge, amount, key, reason).await,
        }
    }

    /// What became of a payment, `None` if it never arrived there.
    pub async fn find(&self, charge: &Charge) -> Result<Option<Booked>, Unanswered> {
        match self {
            Self::Sandbox(sandbox) => sandbox.find(charge).await,
            Self::Toss(toss) => toss.find(charge).await,
        }
    }

    /// The money that moved in `from..to`, by the provider's books, a page at a time: `after` is the page
    /// before's `next`.
    pub async fn bookings(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        after: Option<&str>,
    ) -> Result<Movements, Unanswered> {
        match self {
            Self::Sandbox(sandbox) => sandbox.bookings(from, to, after).await,
            Self::Toss(toss) => toss.bookings(from, to, after).await,
        }
    }

    /// What a webhook tells, and what shows that it comes from the provider.
    pub fn webhook(&self, headers: &HeaderMap, body: &[u8]) -> Result<Notice, NoticeError> {
        match self {
            Self::Sandbox(sandbox) => sandbox.webhook(headers, body, Utc::now()),
            Self::Toss(_) => Toss::webhook(headers, body),
        }
    }
}
