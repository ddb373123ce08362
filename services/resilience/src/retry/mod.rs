//! Whether a failed call may be made again, and when. What is safe to repeat is the caller's knowledge.

mod backoff;
mod budget;
mod policy;

pub use backoff::Backoff;
pub use budget::{Budget, Terms};
pub use policy::{Denied, Policy};

#[cfg(test)]
mod tests;
