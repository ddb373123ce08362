//! What the provider is asked next.

use contract::store::OrderStatus;

use super::{Outcome, Saga, Stage};

/// Whether another saga of the order has not ended yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    Ended,
    Running,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// To hold the money.
    Authorise,
    /// To take what is held.
    Capture,
    /// To give back all there is.
    Void,
    /// To give back the refund's amount.
    Refund,
    /// Nothing: this has happened already.
    None(Outcome),
}

pub fn question(saga: Saga, others: Others) -> Question {
    match saga.stage {
        Stage::Authorising if saga.given_up().is_some() => Question::None(Outcome::NotAsked),
        Stage::Authorising => Question::Authorise,
        Stage::Capturing => Question::Capture,
        Stage::Cancelling if others == Others::Running => Question::None(Outcome::Blocked),
        // The saga before it was undone by a person, and the order with it.
        Stage::Cancelling if saga.order == OrderStatus::Cancelled => Question::None(Outcome::NotAsked),
        Stage::Voiding(_) | Stage::Cancelling => Question::Void,
        Stage::Refunding => Question::Refund,
    }
}
