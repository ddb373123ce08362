//! Refuses early what cannot be served in time, the least important first.

mod priority;
mod shedder;
#[cfg(test)]
mod simulation;

pub use priority::Priority;
pub use shedder::{Shed, Shedder, Ticket};
