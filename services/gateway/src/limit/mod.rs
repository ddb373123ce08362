//! Rate limits: a pure rule, and where its state is kept.

mod decide;
mod gcra;
mod shared;
mod store;

pub(crate) use decide::Decider;
pub(crate) use gcra::{Limit, Verdict};
pub(crate) use store::{Caller, Limiter};
