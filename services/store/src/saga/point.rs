//! The points of a saga at which a process can die. Each is told to whoever listens, so that a test can kill there.

use contract::id::{OrderId, SagaId};
use contract::store::SagaStep;
use tracing::debug;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// The step has been taken up.
    Begin,
    /// The provider is about to be asked.
    Send,
    /// What follows is written, and not committed yet.
    Answered,
    Committed,
}

macro_rules! names {
    ($step:expr, $point:expr; $($variant:ident = $name:literal),+ $(,)?) => {
        match ($step, $point) {
            $(
                (SagaStep::$variant, Point::Begin) => concat!($name, ".begin"),
                (SagaStep::$variant, Point::Send) => concat!($name, ".send"),
                (SagaStep::$variant, Point::Answered) => concat!($name, ".answered"),
                (SagaStep::$variant, Point::Committed) => concat!($name, ".committed"),
            )+
        }
    };
}

pub(super) fn reached(step: SagaStep, point: Point, saga: SagaId, order: OrderId) {
    let point = names!(
        step, point;
        Hold = "hold", Authorise = "authorise", Confirm = "confirm", Capture = "capture", Commit = "commit",
        Void = "void", Release = "release", Refund = "refund", Done = "done",
    );
    debug!(target: "store::saga::point", point, saga.id = %saga, order.id = %order, "reached {point}");
}
