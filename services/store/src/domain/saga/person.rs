//! What a person can do about a saga.

use contract::store::{FailureCode, OrderStatus, SagaState};

use super::{Advance, Next, OrderWrite, PaymentWrite, Saga, Stage, StockWrite};

/// How a saga ended, as a person has found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// What it was begun for has happened.
    Completed,
    /// It has not, and nothing of it is left at the provider.
    Compensated,
}

/// To undo it. None: it cannot be undone.
pub fn compensate(saga: Saga, state: SagaState) -> Option<Advance> {
    let voiding = |failure| Some(Advance::to(Next::Rest(Stage::Voiding(failure))));
    match saga.stage {
        Stage::Authorising | Stage::Capturing => voiding(FailureCode::Abandoned),
        Stage::Voiding(failure) => voiding(failure),
        // Only what the provider refused is known not to have happened.
        Stage::Refunding if state == SagaState::Stuck => {
            Some(Advance::paying(PaymentWrite::RefundFailed, Next::End(SagaState::Compensated)))
        }
        Stage::Refunding | Stage::Cancelling => None,
    }
}

/// To book how it ended, without asking the provider.
pub fn resolve(saga: Saga, how: Resolution) -> Advance {
    let end = Next::End(SagaState::Resolved);
    match (saga.stage, how) {
        (Stage::Authorising | Stage::Capturing | Stage::Voiding(_), Resolution::Completed) => Advance {
            order: (saga.order == OrderStatus::Pending).then_some(OrderWrite::Confirm),
            stock: Some(StockWrite::Sell),
            ..Advance::paying(PaymentWrite::Captured { reference: None }, end)
        },
        (stage @ (Stage::Authorising | Stage::Capturing | Stage::Voiding(_)), Resolution::Compensated) => {
            saga.undone(stage.failure().unwrap_or(FailureCode::Abandoned), end)
        }
        // The saga before it was undone by a person, and the order with it.
        (Stage::Cancelling, Resolution::Completed) if saga.order == OrderStatus::Cancelled => {
            Advance::to(end)
        }
        (Stage::Cancelling, Resolution::Completed) => Advance::called_off(end),
        (Stage::Cancelling, Resolution::Compensated) => {
            Advance { order: Some(OrderWrite::Keep), ..Advance::to(end) }
        }
        (Stage::Refunding, Resolution::Completed) => Advance::paying(PaymentWrite::Refunded, end),
        (Stage::Refunding, Resolution::Compensated) => Advance::paying(PaymentWrite::RefundFailed, end),
    }
}
