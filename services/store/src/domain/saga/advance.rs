//! The table: what follows from where a saga rests and what has happened.

use contract::store::{FailureCode, SagaState};

use super::{Advance, Next, OrderWrite, Outcome, PaymentWrite, Saga, Stage, StockWrite};
use crate::payment::{Authorisation, Change};

/// What to write, and what comes then.
pub fn advance(saga: Saga, outcome: Outcome) -> Advance {
    match (saga.stage, outcome) {
        (Stage::Authorising, Outcome::Authorisation(answer)) => authorised(saga, answer),
        (Stage::Authorising, Outcome::NotAsked) => {
            let failure = saga.given_up().unwrap_or(FailureCode::PaymentUnavailable);
            Advance::to(Next::Rest(Stage::Voiding(failure)))
        }
        (Stage::Cancelling, Outcome::NotAsked) => Advance::to(Next::End(SagaState::Completed)),
        (Stage::Cancelling, Outcome::Blocked) => Advance::to(Next::Wait),
        (
            Stage::Capturing | Stage::Voiding(_) | Stage::Cancelling | Stage::Refunding,
            Outcome::Change(Change::Unknown { reason }),
        ) => Advance::to(Next::Retry { error: reason }),
        (
            Stage::Capturing | Stage::Voiding(_) | Stage::Cancelling | Stage::Refunding,
            Outcome::Change(Change::Refused { code }),
        ) => Advance::to(Next::Stuck { error: format!("the provider refuses: {code}") }),
        (stage, Outcome::Change(Change::Done)) => done(saga, stage),
        (stage, Outcome::Authorisation(_) | Outcome::NotAsked | Outcome::Blocked | Outcome::Change(_)) => {
            misplaced(stage)
        }
    }
}

/// After the attempt to have the money held.
fn authorised(saga: Saga, answer: Authorisation) -> Advance {
    let given_up = saga.given_up().map(|failure| Next::Rest(Stage::Voiding(failure)));
    match (answer, given_up) {
        (Authorisation::Authorised { reference }, None) => Advance {
            order: Some(OrderWrite::Confirm),
            ..Advance::paying(PaymentWrite::Authorised { reference }, Next::Rest(Stage::Capturing))
        },
        (Authorisation::Captured { reference }, None) => Advance {
            order: Some(OrderWrite::Confirm),
            stock: Some(StockWrite::Sell),
            ..Advance::paying(
                PaymentWrite::Captured { reference: Some(reference) },
                Next::End(SagaState::Completed),
            )
        },
        // What is taken for an order that does not come about is not ours: it never counts as captured.
        (Authorisation::Authorised { reference } | Authorisation::Captured { reference }, Some(next)) => {
            Advance::paying(PaymentWrite::Authorised { reference }, next)
        }
        (Authorisation::Declined { code }, _) => Advance {
            order: Some(saga.order_undone(FailureCode::PaymentDeclined)),
            stock: Some(StockWrite::Release),
            ..Advance::paying(PaymentWrite::Declined { code }, Next::End(SagaState::Compensated))
        },
        (Authorisation::Unknown { reason }, None) => {
            Advance::paying(PaymentWrite::Unknown, Next::Retry { error: reason })
        }
        (Authorisation::Unknown { .. }, Some(next)) => Advance::paying(PaymentWrite::Unknown, next),
    }
}

/// After the provider did what it was asked to change.
fn done(saga: Saga, stage: Stage) -> Advance {
    let completed = Next::End(SagaState::Completed);
    match stage {
        Stage::Authorising => misplaced(stage),
        Stage::Capturing => Advance {
            stock: Some(StockWrite::Sell),
            ..Advance::paying(PaymentWrite::Captured { reference: None }, completed)
        },
        Stage::Voiding(failure) => saga.undone(failure, Next::End(SagaState::Compensated)),
        Stage::Cancelling => Advance::called_off(completed),
        Stage::Refunding => Advance::paying(PaymentWrite::Refunded, completed),
    }
}

/// An answer to a question that was not asked.
fn misplaced(stage: Stage) -> Advance {
    Advance::to(Next::Stuck { error: format!("an answer that does not belong to {}", stage.step()) })
}

impl Saga {
    /// The order came to nothing, and its money is where it was.
    pub(super) fn undone(self, failure: FailureCode, next: Next) -> Advance {
        Advance {
            order: Some(self.order_undone(failure)),
            stock: Some(StockWrite::Release),
            ..Advance::paying(PaymentWrite::Cancelled, next)
        }
    }
}

impl Advance {
    pub(super) const fn to(next: Next) -> Self {
        Self { payment: None, order: None, stock: None, next }
    }

    pub(super) fn paying(payment: PaymentWrite, next: Next) -> Self {
        Self { payment: Some(payment), ..Self::to(next) }
    }

    /// A confirmed order is cancelled, and its money back.
    pub(super) fn called_off(next: Next) -> Self {
        Self {
            payment: Some(PaymentWrite::Returned),
            order: Some(OrderWrite::Cancel),
            stock: Some(StockWrite::Return),
            next,
        }
    }
}
