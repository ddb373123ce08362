//! What is asked of a payment, and what is booked for it.

use contract::id::{OrderId, PaymentId};
use contract::payment::{Authorise, Booking};

use super::account::{Account, Stage};

/// Something a caller wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Authorise {
        order: OrderId,
        amount: i64,
        currency: String,
        /// Says no, and why.
        decline: Option<&'static str>,
    },
    Capture,
    Cancel {
        key: String,
        /// `None` is all that is left.
        amount: Option<i64>,
    },
}

/// An entry before the books give it a number and a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub payment: PaymentId,
    pub order: Option<OrderId>,
    pub booking: Booking,
    pub amount: i64,
    pub currency: String,
    pub key: Option<String>,
    pub decline_code: Option<String>,
}

/// Why nothing is done, now and whenever it is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such payment")]
    Unknown,
    #[error("the id belongs to a payment of another order, amount or currency")]
    Other,
    #[error("the payment was declined")]
    Declined,
    #[error("the payment was cancelled")]
    Cancelled,
    #[error("a payment that is not captured is cancelled as a whole")]
    NotInParts,
    #[error("that is more than is left")]
    TooMuch,
    #[error("the key was used for another amount")]
    OtherAmount,
}

impl Command {
    pub fn authorise(asked: &Authorise, decline: Option<&'static str>) -> Self {
        let Authorise { order_id, amount, ref currency, .. } = *asked;
        Self::Authorise { order: order_id, amount, currency: currency.clone(), decline }
    }

    /// What to book for it. `None`: it is so already, and saying it again is harmless.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn book(self, payment: PaymentId, account: Option<&Account>) -> Result<Option<Draft>, Refusal> {
        match self {
            Self::Authorise { order, amount, currency, decline } => match account {
                None => {
                    let booking = if decline.is_some() { Booking::Decline } else { Booking::Authorise };
                    let decline_code = decline.map(ToOwned::to_owned);
                    let order = Some(order);
                    Ok(Some(Draft { payment, order, booking, amount, currency, key: None, decline_code }))
                }
                // Closed before it came: it is not let in any more, and sees that.
                Some(account) if account.order.is_none() => Ok(None),
                Some(account) if account.is_of(order, amount, &currency) => Ok(None),
                Some(_) => Err(Refusal::Other),
            },
            Self::Capture => {
                let account = account.ok_or(Refusal::Unknown)?;
                match account.stage {
                    Stage::Held => Ok(Some(account.draft(payment, Booking::Capture, account.amount, None))),
                    Stage::Captured { .. } => Ok(None),
                    Stage::Declined { .. } => Err(Refusal::Declined),
                    Stage::Closed => Err(Refusal::Cancelled),
                }
            }
            Self::Cancel { key, amount } => match account {
                None if amount.is_none() => Ok(Some(closing(payment, key))),
                // Nothing came of which a part could go back.
                None => Err(Refusal::Unknown),
                Some(account) => account.cancel(payment, key, amount),
            },
        }
    }
}

impl Account {
    fn is_of(&self, order: OrderId, amount: i64, currency: &str) -> bool {
        self.order == Some(order) && self.amount == amount && self.currency == currency
    }

    fn cancel(&self, payment: PaymentId, key: String, amount: Option<i64>) -> Result<Option<Draft>, Refusal> {
        if let Some(before) = self.keys.get(&key) {
            return if amount.is_none_or(|amount| amount == *before) {
                Ok(None)
            } else {
                Err(Refusal::OtherAmount)
            };
        }
        match (&self.stage, amount) {
            (Stage::Held, Some(part)) if part != self.amount => Err(Refusal::NotInParts),
            (Stage::Held, _) => Ok(Some(self.draft(payment, Booking::Cancel, self.amount, Some(key)))),
            (Stage::Captured { .. }, Some(part)) if part > self.left() => Err(Refusal::TooMuch),
            (Stage::Captured { .. }, Some(part)) => {
                Ok(Some(self.draft(payment, Booking::Refund, part, Some(key))))
            }
            (Stage::Captured { .. }, None) if self.left() > 0 => {
                Ok(Some(self.draft(payment, Booking::Refund, self.left(), Some(key))))
            }
            // All that is left is nothing.
            (Stage::Captured { .. } | Stage::Declined { .. } | Stage::Closed, None) => Ok(None),
            (Stage::Declined { .. } | Stage::Closed, Some(_)) => Err(Refusal::TooMuch),
        }
    }

    fn draft(&self, payment: PaymentId, booking: Booking, amount: i64, key: Option<String>) -> Draft {
        let (order, currency) = (self.order, self.currency.clone());
        Draft { payment, order, booking, amount, currency, key, decline_code: None }
    }
}

/// Of an id that was never heard of: whoever still comes with it comes too late.
fn closing(payment: PaymentId, key: String) -> Draft {
    Draft {
        payment,
        order: None,
        booking: Booking::Cancel,
        amount: 0,
        currency: String::new(),
        key: Some(key),
        decline_code: None,
    }
}
