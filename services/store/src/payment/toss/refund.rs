//! Giving money back: how a payment stands towards a cancellation, and how one is told from another. Pure.
//!
//! Three things keep money from going back twice. The idempotency key stops a repeat. The balance that a request
//! carries (`refundableAmount`) stops one that does not know of another. And each cancellation has our key at the
//! end of its reason, where whoever asks afterwards finds it.

use chrono::{DateTime, Utc};

use super::books::is_of;
use super::wire::{Cancel, CancelStatus, Payment, Status};
use crate::payment::port::{Change, Charge};

/// How long a cancellation is repeated under the same idempotency key. An error under a key is answered again for
/// 15 days, and a bank that was closed would stay so; by then the other two guards are what there is.
const GENERATION_SECS: i64 = 600;
/// Of `cancelReason`, in characters.
const LONGEST_REASON: usize = 200;

/// What a cancellation is about.
pub(super) struct Wanted<'a> {
    pub(super) charge: &'a Charge,
    /// None is all that is left.
    pub(super) amount: Option<i64>,
    pub(super) key: &'a str,
}

/// How the payment stands towards it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    Over(Change),
    /// So much can be given back.
    Open {
        balance: i64,
    },
}

impl Wanted<'_> {
    pub(super) fn standing(&self, payment: &Payment) -> Standing {
        Standing::Over(if is_of(payment, self.charge) {
            match payment.status {
                Status::Ready | Status::InProgress | Status::Unheard => Change::Unknown {
                    reason: "it is not confirmed and still could be, until it expires there".to_owned(),
                },
                Status::Aborted | Status::Expired => self.nothing_there(),
                Status::WaitingForDeposit | Status::Done | Status::Canceled | Status::PartialCanceled => {
                    return self.towards(payment);
                }
            }
        } else {
            self.nothing_there()
        })
    }

    /// Nothing was taken for this charge. Nobody has anything to give back, unless we know otherwise.
    pub(super) fn nothing_there(&self) -> Change {
        match self.charge.reference {
            None => Change::Done,
            Some(_) => Change::Refused { code: "NOT_FOUND_PAYMENT".to_owned() },
        }
    }

    fn towards(&self, payment: &Payment) -> Standing {
        let mark = mark(self.key);
        let made = payment
            .cancels
            .iter()
            .flatten()
            .rfind(|cancel| cancel.reason.ends_with(&mark) && cancel.status != CancelStatus::Aborted);
        let refused = |code: &str| Standing::Over(Change::Refused { code: code.to_owned() });
        match (made, self.amount, payment.balance_amount) {
            (Some(cancel), ..) if cancel.status != CancelStatus::Done => {
                Standing::Over(Change::Unknown { reason: "the cancellation is under way there".to_owned() })
            }
            (Some(cancel), Some(amount), _) if cancel.amount != Some(amount) => {
                refused("CANCELLED_ANOTHER_AMOUNT")
            }
            (Some(_), Some(_), _) | (_, None, Some(0)) => Standing::Over(Change::Done),
            (_, _, None) => refused("UNSUPPORTED_CURRENCY"),
            (None, Some(amount), Some(balance)) if amount > balance => refused("NOT_CANCELABLE_AMOUNT"),
            (_, _, Some(balance)) => Standing::Open { balance },
        }
    }

    pub(super) fn request(&self, reason: &str, balance: i64) -> Cancel {
        let mark = mark(self.key);
        let room = LONGEST_REASON.saturating_sub(mark.chars().count());
        Cancel {
            reason: reason.chars().take(room).chain(mark.chars()).collect(),
            amount: self.amount,
            refundable_amount: balance,
        }
    }

    /// The same request has the same key, another one (after another balance) a different one.
    pub(super) fn idempotency_key(&self, balance: i64, now: DateTime<Utc>) -> String {
        format!("{}.{balance}.{}", self.key, now.timestamp().div_euclid(GENERATION_SECS))
    }
}

fn mark(key: &str) -> String {
    format!(" [{key}]")
}

#[cfg(test)]
mod tests {
    use contract::id::{OrderId, PaymentId};
    use uuid::Uuid;

    use super::*;

    fn charge() -> Charge {
        Charge {
            payment: PaymentId::from_uuid(Uuid::nil()),
            order: OrderId::from_uuid(Uuid::nil()),
            amount: 1000,
            currency: "KRW".to_owned(),
            method: "card".to_owned(),
            token: "key".to_owned(),
            reference: None,
        }
    }

    #[test]
    fn a_repeat_has_the_same_key_until_its_error_would_be_repeated_too() {
        let charge = charge();
        let wanted = Wanted { charge: &charge, amount: None, key: "refund-1" };
        let at = |secs| DateTime::from_timestamp(secs, 0).unwrap();
        let first = wanted.idempotency_key(1000, at(600_000));
        assert_eq!(wanted.idempotency_key(1000, at(600_599)), first);
        assert_ne!(wanted.idempotency_key(1000, at(600_600)), first);
        assert_ne!(wanted.idempotency_key(900, at(600_000)), first, "another request");
    }

    #[test]
    fn a_reason_is_cut_so_that_its_key_stays() {
        let charge = charge();
        let wanted = Wanted { charge: &charge, amount: None, key: "refund-1" };
        let reason = wanted.request(&"환".repeat(500), 1000).reason;
        assert_eq!(reason.chars().count(), LONGEST_REASON);
        assert!(reason.ends_with("환 [refund-1]"), "{reason}");
        assert_eq!(wanted.request("변심", 1000).reason, "변심 [refund-1]");
    }
}
