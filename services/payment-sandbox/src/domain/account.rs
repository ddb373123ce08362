//! One payment, as its entries have made it.

use std::collections::BTreeMap;

use contract::id::{OrderId, PaymentId};
use contract::payment::{Booking, Entry, Payment, Status};

/// What is known of a payment's id. Nothing but a fold of its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `None` where the id was closed before anything came.
    pub(super) order: Option<OrderId>,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) stage: Stage,
    /// What each key gave back.
    pub(super) keys: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    Held,
    Declined {
        code: Option<String>,
    },
    Captured {
        refunded: i64,
    },
    /// Cancelled before anything was taken.
    Closed,
}

/// An entry that cannot follow on those before it: the ledger was tampered with, or is another one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{booking} of {amount} does not fit what was booked before")]
pub struct Impossible {
    pub(super) booking: Booking,
    pub(super) amount: i64,
}

impl Account {
    /// What the next entry makes of an account.
    ///
    /// # Errors
    /// When the rules would never have booked it.
    pub fn after(before: Option<&Self>, entry: &Entry) -> Result<Self, Impossible> {
        let impossible = Impossible { booking: entry.booking, amount: entry.amount };
        let stage = next(before, entry).ok_or(impossible)?;
        let mut account = before.cloned().unwrap_or_else(|| Self {
            order: entry.order_id,
            amount: entry.amount,
            currency: entry.currency.clone(),
            stage: Stage::Held,
            keys: BTreeMap::new(),
        });
        account.stage = stage;
        if let Some(key) = &entry.key
            && account.keys.insert(key.clone(), entry.amount).is_some()
        {
            return Err(impossible);
        }
        Ok(account)
    }

    /// What was taken and not yet given back.
    pub(super) const fn left(&self) -> i64 {
        match self.stage {
            Stage::Captured { refunded } => self.amount - refunded,
            Stage::Held | Stage::Declined { .. } | Stage::Closed => 0,
        }
    }

    /// As the API shows it.
    pub fn payment(&self, id: PaymentId) -> Payment {
        let (status, captured, refunded) = match self.stage {
            Stage::Held => (Status::Authorised, 0, 0),
            Stage::Declined { .. } => (Status::Declined, 0, 0),
            Stage::Closed => (Status::Cancelled, 0, 0),
            Stage::Captured { refunded: 0 } => (Status::Captured, self.amount, 0),
            Stage::Captured { refunded } if refunded < self.amount => {
                (Status::PartiallyRefunded, self.amount, refunded)
            }
            Stage::Captured { refunded } => (Status::Cancelled, self.amount, refunded),
        };
        let decline_code = match &self.stage {
            Stage::Declined { code } => code.clone(),
            Stage::Held | Stage::Captured { .. } | Stage::Closed => None,
        };
        Payment {
            id,
            reference: reference(id),
            order_id: self.order,
            status,
            amount: self.amount,
            currency: self.currency.clone(),
            captured_amount: captured,
            refunded_amount: refunded,
            decline_code,
        }
    }
}

/// Our own name for a payment.
pub(crate) fn reference(id: PaymentId) -> String {
    format!("sbx_{}", id.as_uuid().simple())
}

fn next(before: Option<&Account>, entry: &Entry) -> Option<Stage> {
    let amount = entry.amount;
    match (before, entry.booking) {
        (None, Booking::Authorise) => (amount > 0).then_some(Stage::Held),
        (None, Booking::Decline) => Some(Stage::Declined { code: entry.decline_code.clone() }),
        (None, Booking::Cancel) => (amount == 0).then_some(Stage::Closed),
        (Some(account), Booking::Capture) if account.stage == Stage::Held => {
            (amount == account.amount).then_some(Stage::Captured { refunded: 0 })
        }
        (Some(account), Booking::Cancel) if account.stage == Stage::Held => {
            (amount == account.amount).then_some(Stage::Closed)
        }
        (Some(Account { amount: captured, stage: Stage::Captured { refunded }, .. }), Booking::Refund) => (1
            ..=captured - refunded)
            .contains(&amount)
            .then_some(Stage::Captured { refunded: refunded + amount }),
        (None | Some(_), _) => None,
    }
}
