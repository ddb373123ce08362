//! How many requests may be in flight, learnt from how long they take.

mod gradient;
mod limiter;

pub use gradient::Config;
pub(crate) use limiter::{Limiter, Place};

#[cfg(test)]
mod tests;
