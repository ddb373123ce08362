//! What a payment there says about one of our charges. Pure.

use chrono::{DateTime, Utc};
use contract::id::PaymentId;
use contract::payment;

use super::wire::{Payment, Status, Transaction};
use crate::payment::port::{Booked, Charge, Movement};

/// Amounts in other currencies have decimals there, and other minor units here.
pub(super) const CURRENCY: &str = "KRW";

/// Whether it was made for this charge. A customer can hand us the key of any payment, their own of last week or
/// somebody else's: it must not pay for this order, and never be given back for it.
pub(super) fn is_of(payment: &Payment, charge: &Charge) -> bool {
    payment.key == charge.token && payment.order_id == charge.payment.to_string()
}

fn is_as_agreed(payment: &Payment, charge: &Charge) -> bool {
    payment.total_amount == Some(charge.amount) && payment.currency == charge.currency
}

/// The payment as our own books have it.
pub(super) fn booked(payment: &Payment, charge: &Charge) -> Booked {
    let approved = payment.approved_at.is_some();
    let status = status(payment, charge);
    let total = payment.total_amount.unwrap_or_default();
    let captured = if approved && is_of(payment, charge) { total } else { 0 };
    let left = payment.balance_amount.unwrap_or(captured);
    Booked {
        payment: charge.payment,
        reference: payment.key.clone(),
        status,
        captured,
        refunded: if captured > 0 { captured - left.clamp(0, captured) } else { 0 },
        decline_code: (status == payment::Status::Declined).then(|| decline_code(payment, charge)),
    }
}

fn status(payment: &Payment, charge: &Charge) -> payment::Status {
    if !is_of(payment, charge) {
        return payment::Status::Declined;
    }
    let agreed = is_as_agreed(payment, charge);
    match payment.status {
        // It cannot be confirmed with an amount that it was not made with.
        Status::Ready | Status::InProgress if !agreed => payment::Status::Declined,
        Status::Ready | Status::InProgress | Status::WaitingForDeposit | Status::Unheard => {
            payment::Status::Pending
        }
        // Money was taken, but not what was owed: no order is confirmed by it, and at the deadline it goes back.
        Status::Done | Status::PartialCanceled if !agreed => payment::Status::Pending,
        Status::Done => payment::Status::Captured,
        Status::PartialCanceled if payment.balance_amount == Some(0) => payment::Status::Cancelled,
        Status::PartialCanceled => payment::Status::PartiallyRefunded,
        Status::Canceled => payment::Status::Cancelled,
        Status::Aborted | Status::Expired => payment::Status::Declined,
    }
}

fn decline_code(payment: &Payment, charge: &Charge) -> String {
    let plain = |code: &String| code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let code = match payment.status {
        _ if !is_of(payment, charge) => "PAYMENT_MISMATCH",
        Status::Ready | Status::InProgress => "AMOUNT_MISMATCH",
        Status::Expired => "EXPIRED",
        _ => "ABORTED",
    };
    let said = payment.failure.as_ref().map(|failure| &failure.code).filter(|code| plain(code));
    match (code, said) {
        ("ABORTED", Some(said)) => said.clone(),
        _ => code.to_owned(),
    }
}

/// Money that moved in `from..to`, for a payment of ours.
pub(super) fn movement(
    transaction: &Transaction,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Option<Movement> {
    // What else the shop sells under the same account has other order ids.
    let payment: PaymentId = transaction.order_id.parse().ok()?;
    let at = DateTime::parse_from_rfc3339(&transaction.at).ok()?.to_utc();
    let amount = transaction.amount.filter(|_| transaction.currency == CURRENCY)?.abs();
    let amount = match transaction.status {
        Status::Done => amount,
        // The examples have them above 0, settlements below: the status says what it is.
        Status::Canceled | Status::PartialCanceled => -amount,
        Status::Ready
        | Status::InProgress
        | Status::WaitingForDeposit
        | Status::Aborted
        | Status::Expired
        | Status::Unheard => return None,
    };
    (from <= at && at < to).then_some(Movement { at, payment, amount })
}
