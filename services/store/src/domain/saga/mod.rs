//! What a saga does next, whatever happens to it. No IO, no clock, no randomness.
//!
//! Placing an order: hold the stock, have the money held, confirm, take the money, sell the stock. Until the order is
//! confirmed every failure undoes what was done; afterwards there is only forward, and a provider that refuses is a
//! matter for a person.

mod advance;
mod backoff;
mod person;
mod question;
#[cfg(test)]
mod tests;

use contract::store::{FailureCode, OrderStatus, SagaKind, SagaState, SagaStep};

pub use advance::advance;
pub use backoff::pause;
pub use person::{Resolution, compensate, resolve};
pub use question::{Others, Question, question};

use crate::payment::{Authorisation, Change};

/// Where a saga rests: always before something that the provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The order is pending and its stock held.
    Authorising,
    /// The order is confirmed.
    Capturing,
    /// The order is given up, and why.
    Voiding(FailureCode),
    /// A confirmed order is called off.
    Cancelling,
    Refunding,
}

impl Stage {
    /// From how it is stored. None is a row that no version of this code writes.
    pub fn read(kind: SagaKind, step: SagaStep, failure: Option<FailureCode>) -> Option<Self> {
        match (kind, step) {
            (SagaKind::Place, SagaStep::Authorise) => Some(Self::Authorising),
            (SagaKind::Place, SagaStep::Capture) => Some(Self::Capturing),
            (SagaKind::Place, SagaStep::Void) => {
                Some(Self::Voiding(failure.unwrap_or(FailureCode::PaymentUnavailable)))
            }
            (SagaKind::Cancel, SagaStep::Void) => Some(Self::Cancelling),
            (SagaKind::Refund, SagaStep::Refund) => Some(Self::Refunding),
            (
                SagaKind::Place,
                SagaStep::Hold
                | SagaStep::Confirm
                | SagaStep::Commit
                | SagaStep::Release
                | SagaStep::Refund
                | SagaStep::Done,
            )
            | (
                SagaKind::Cancel,
                SagaStep::Hold
                | SagaStep::Authorise
                | SagaStep::Confirm
                | SagaStep::Capture
                | SagaStep::Commit
                | SagaStep::Release
                | SagaStep::Refund
                | SagaStep::Done,
            )
            | (
                SagaKind::Refund,
                SagaStep::Hold
                | SagaStep::Authorise
                | SagaStep::Confirm
                | SagaStep::Capture
                | SagaStep::Commit
                | SagaStep::Void
                | SagaStep::Release
                | SagaStep::Done,
            ) => None,
        }
    }

    pub const fn kind(self) -> SagaKind {
        match self {
            Self::Authorising | Self::Capturing | Self::Voiding(_) => SagaKind::Place,
            Self::Cancelling => SagaKind::Cancel,
            Self::Refunding => SagaKind::Refund,
        }
    }

    pub const fn step(self) -> SagaStep {
        match self {
            Self::Authorising => SagaStep::Authorise,
            Self::Capturing => SagaStep::Capture,
            Self::Voiding(_) | Self::Cancelling => SagaStep::Void,
            Self::Refunding => SagaStep::Refund,
        }
    }

    /// While it is neither stuck nor over.
    pub const fn state(self) -> SagaState {
        match self {
            Self::Voiding(_) => SagaState::Compensating,
            Self::Authorising | Self::Capturing | Self::Cancelling | Self::Refunding => SagaState::Running,
        }
    }

    pub const fn failure(self) -> Option<FailureCode> {
        match self {
            Self::Voiding(failure) => Some(failure),
            Self::Authorising | Self::Capturing | Self::Cancelling | Self::Refunding => None,
        }
    }
}

/// What the owner of the order wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Kept,
    Cancelled,
}

/// Whether the order's deadline has passed, by the database's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    No,
    Yes,
}

/// A saga and the order that it is about, as they are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saga {
    pub stage: Stage,
    pub order: OrderStatus,
    pub wish: Wish,
    pub overdue: Overdue,
}

impl Saga {
    /// Why the order is given up before it is confirmed, if it is.
    fn given_up(self) -> Option<FailureCode> {
        match (self.wish, self.overdue) {
            // The code is not shown: the order ends cancelled.
            (Wish::Cancelled, _) => Some(FailureCode::Abandoned),
            (Wish::Kept, Overdue::Yes) => Some(FailureCode::PaymentUnavailable),
            (Wish::Kept, Overdue::No) => None,
        }
    }

    /// How the order ends when it comes to nothing. One that was confirmed has not failed: it is called off.
    fn order_undone(self, failure: FailureCode) -> OrderWrite {
        match (self.wish, self.order) {
            (Wish::Kept, OrderStatus::Pending) => OrderWrite::Fail(failure),
            _ => OrderWrite::Cancel,
        }
    }
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Authorisation(Authorisation),
    Change(Change),
    /// There was no point in asking.
    NotAsked,
    /// Another saga of the order has to end first.
    Blocked,
}

/// What is written, all of it in one transaction, and what comes then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    pub payment: Option<PaymentWrite>,
    pub order: Option<OrderWrite>,
    pub stock: Option<StockWrite>,
    pub next: Next,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentWrite {
    Unknown,
    Authorised {
        reference: String,
    },
    /// The reference, if it was not known before.
    Captured {
        reference: Option<String>,
    },
    Declined {
        code: String,
    },
    /// Nothing is held or was ever taken.
    Cancelled,
    /// All that was taken and not given back yet goes back.
    Returned,
    /// The saga's refund has happened.
    Refunded,
    /// The saga's refund will not happen.
    RefundFailed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderWrite {
    Confirm,
    Fail(FailureCode),
    Cancel,
    /// It is not cancelled after all.
    Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockWrite {
    /// Held becomes sold.
    Sell,
    /// Held becomes available.
    Release,
    /// Sold becomes available.
    Return,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// At once.
    Rest(Stage),
    /// The same again after a pause.
    Retry {
        error: String,
    },
    /// When another saga of the order has ended.
    Wait,
    /// For a person.
    Stuck {
        error: String,
    },
    End(SagaState),
}
