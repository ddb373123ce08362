//! Sagas come to their end, or to somebody's attention.

use contract::store::{SagaState, SagaStep};

use super::book::SagaBook;
use super::violation::SagaFault;

/// Attempts at one step from which store lists a saga as stuck, although it goes on trying.
const MANY_ATTEMPTS: i32 = 10;
/// A lease: so long nobody may notice that the process which drove a saga is dead.
const GRACE_MS: i64 = 15_000;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Fine,
    /// A person is wanted, and store says so itself.
    Stuck,
    Wrong(SagaFault),
}

/// Before the pivot a saga turns back at its deadline. After it, and on the way back, it goes on for ever, but somebody
/// must be doing that.
pub(super) fn check(saga: &SagaBook) -> Finding {
    if saga.is_final() {
        return Finding::Fine;
    }
    if saga.state == SagaState::Stuck || saga.attempt >= MANY_ATTEMPTS {
        return Finding::Stuck;
    }
    if saga.past_deadline_ms <= GRACE_MS {
        return Finding::Fine;
    }
    let (step, past_ms, untouched_ms) = (saga.step, saga.past_deadline_ms, saga.untouched_ms);
    if saga.state == SagaState::Running && step == SagaStep::Authorise {
        return Finding::Wrong(SagaFault::Overdue { step, past_ms });
    }
    if untouched_ms > GRACE_MS {
        return Finding::Wrong(SagaFault::Untouched { step, untouched_ms });
    }
    Finding::Fine
}
