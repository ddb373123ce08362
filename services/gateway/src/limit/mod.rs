//! Rate limits: a pure rule, and where the gateway keeps its state.

mod gcra;
mod store;

pub(crate) use gcra::{Limit, Verdict};
pub(crate) use store::{Caller, Limiter};
