//! What is asked of every provider, and what it answers.

use chrono::{DateTime, Utc};
use contract::id::{OrderId, PaymentId};
use contract::payment::Status;

use super::signature::SignatureError;

/// What a payment is about, in every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub payment: PaymentId,
    pub order: OrderId,
    /// In minor units.
    pub amount: i64,
    pub currency: String,
    pub method: String,
    pub token: String,
    /// The provider's name for it, once it has said one.
    pub reference: Option<String>,
}

/// What became of the attempt to hold the money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorisation {
    Authorised {
        reference: String,
    },
    /// By a provider whose one call takes the money at once.
    Captured {
        reference: String,
    },
    /// Nothing is held, and nothing will be.
    Declined {
        code: String,
    },
    /// No final answer: it may have happened. To be asked for again.
    Unknown {
        reason: String,
    },
}

/// What became of a change to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is so now, whether by this call or an earlier one.
    Done,
    /// It will never be so: a person must look.
    Refused {
        code: String,
    },
    Unknown {
        reason: String,
    },
}

/// A payment in a provider's books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    pub payment: PaymentId,
    /// The provider's name for it.
    pub reference: String,
    pub status: Status,
    pub captured: i64,
    pub refunded: i64,
    /// Why it was declined.
    pub decline_code: Option<String>,
}

/// Money that moved: taken if above 0, given back if below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub at: DateTime<Utc>,
    pub payment: PaymentId,
    pub amount: i64,
}

/// A page of the provider's books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movements {
    pub movements: Vec<Movement>,
    /// Where the next page begins, `None` behind the last one.
    pub next: Option<String>,
}

/// What a webhook tells: that something became of a payment. What, the provider is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same again is a duplicate.
    pub event_id: String,
    pub payment: PaymentId,
    pub proof: Proof,
}

/// What shows that a webhook is the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Signature,
    /// Anybody may have sent it: worth a question about a payment that is known and not settled, and nothing else.
    None,
}

/// There is no answer to go by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider gave no answer: {reason}")]
pub struct Unanswered {
    pub reason: String,
}

/// Why a webhook is not listened to.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    #[error("the webhook is not proven to be the provider's")]
    Unproven(#[from] SignatureError),
    #[error("the webhook's body is not what was agreed")]
    Unreadable(#[from] serde_json::Error),
    /// To be acknowledged: the provider would only repeat it.
    #[error("the webhook is about no payment of ours")]
    NotOurs,
}

impl Booked {
    /// What it answers to whoever asked for the money to be held.
    pub fn authorisation(self) -> Authorisation {
        let Self { reference, status, decline_code, .. } = self;
        match status {
            Status::Pending => {
                Authorisation::Unknown { reason: "the provider has not decided yet".to_owned() }
            }
            Status::Authorised => Authorisation::Authorised { reference },
            Status::Captured | Status::PartiallyRefunded => Authorisation::Captured { reference },
            Status::Declined => {
                Authorisation::Declined { code: decline_code.unwrap_or_else(|| "DECLINED".to_owned()) }
            }
            // Also one whose id was closed before it arrived.
            Status::Cancelled => Authorisation::Declined { code: "CANCELLED".to_owned() },
        }
    }
}
