//! Whether two books say the same of a payment whose sagas have all ended.

use contract::payment::Status;
use contract::store::PaymentStatus;
use contract::store::maintenance::{DifferenceKind, OurBooks, TheirBooks};

/// How far the provider should have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The money is held.
    Held,
    Taken,
    PartlyBack,
    /// Nothing is kept: it was never taken, or all of it went back.
    Nothing,
}

/// What the books disagree in, if anything.
pub fn compare(ours: &OurBooks, theirs: Option<&TheirBooks>) -> Option<DifferenceKind> {
    let expected = expected(ours.status);
    let Some(theirs) = theirs else {
        // What was given up before it arrived is not there, or is there as cancelled.
        return (expected != Expected::Nothing || ours.refunded_amount != 0)
            .then_some(DifferenceKind::MissingThere);
    };
    let is_so = match (expected, theirs.status) {
        (Expected::Held, Some(Status::Authorised))
        | (Expected::Taken, Some(Status::Captured))
        | (Expected::PartlyBack, Some(Status::PartiallyRefunded))
        | (Expected::Nothing, Some(Status::Declined | Status::Cancelled)) => true,
        (Expected::Held | Expected::Taken | Expected::PartlyBack | Expected::Nothing, Some(_) | None) => {
            false
        }
    };
    if !is_so {
        return Some(DifferenceKind::Status);
    }
    let kept = theirs.captured_amount - theirs.refunded_amount;
    let is_even = match expected {
        Expected::Held | Expected::Nothing => kept == 0 && theirs.refunded_amount == ours.refunded_amount,
        Expected::Taken | Expected::PartlyBack => {
            theirs.captured_amount == ours.amount && theirs.refunded_amount == ours.refunded_amount
        }
    };
    (!is_even).then_some(DifferenceKind::Amount)
}

const fn expected(status: PaymentStatus) -> Expected {
    match status {
        PaymentStatus::Authorised => Expected::Held,
        PaymentStatus::Captured => Expected::Taken,
        PaymentStatus::PartiallyRefunded => Expected::PartlyBack,
        PaymentStatus::Pending
        | PaymentStatus::Unknown
        | PaymentStatus::Declined
        | PaymentStatus::Cancelled
        | PaymentStatus::Refunded => Expected::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(status: PaymentStatus, refunded_amount: i64) -> OurBooks {
        OurBooks { status, amount: 1000, refunded_amount }
    }

    fn theirs(status: Status, captured_amount: i64, refunded_amount: i64) -> TheirBooks {
        TheirBooks { status: Some(status), captured_amount, refunded_amount }
    }

    #[test]
    fn books_that_agree_have_no_difference() {
        for (ours, theirs) in [
            (ours(PaymentStatus::Captured, 0), Some(theirs(Status::Captured, 1000, 0))),
            (ours(PaymentStatus::PartiallyRefunded, 300), Some(theirs(Status::PartiallyRefunded, 1000, 300))),
            (ours(PaymentStatus::Refunded, 1000), Some(theirs(Status::Cancelled, 1000, 1000))),
            (ours(PaymentStatus::Cancelled, 0), Some(theirs(Status::Cancelled, 0, 0))),
            (ours(PaymentStatus::Cancelled, 0), None),
            (ours(PaymentStatus::Declined, 0), Some(theirs(Status::Declined, 0, 0))),
            (ours(PaymentStatus::Declined, 0), None),
            (ours(PaymentStatus::Authorised, 0), Some(theirs(Status::Authorised, 0, 0))),
        ] {
            assert_eq!(compare(&ours, theirs.as_ref()), None, "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn money_that_only_one_side_knows_of_is_a_difference() {
        for (ours, theirs, expected) in [
            (ours(PaymentStatus::Captured, 0), None, DifferenceKind::MissingThere),
            (ours(PaymentStatus::Refunded, 1000), None, DifferenceKind::MissingThere),
            (
                ours(PaymentStatus::Declined, 0),
                Some(theirs(Status::Captured, 1000, 0)),
                DifferenceKind::Status,
            ),
            (
                ours(PaymentStatus::Cancelled, 0),
                Some(theirs(Status::Authorised, 0, 0)),
                DifferenceKind::Status,
            ),
            (
                ours(PaymentStatus::Captured, 0),
                Some(theirs(Status::Captured, 900, 0)),
                DifferenceKind::Amount,
            ),
            (
                ours(PaymentStatus::PartiallyRefunded, 300),
                Some(theirs(Status::PartiallyRefunded, 1000, 400)),
                DifferenceKind::Amount,
            ),
            (
                ours(PaymentStatus::Refunded, 1000),
                Some(theirs(Status::Cancelled, 1000, 0)),
                DifferenceKind::Amount,
            ),
            (
                ours(PaymentStatus::Refunded, 1000),
                Some(theirs(Status::Captured, 1000, 0)),
                DifferenceKind::Status,
            ),
        ] {
            assert_eq!(compare(&ours, theirs.as_ref()), Some(expected), "{ours:?} {theirs:?}");
        }
    }
}
