//! Which instance of a service gets the next call.

mod balancer;
mod endpoint;
mod pool;

pub use balancer::{Balancer, Chosen};
pub use pool::{Standing, View};

#[cfg(test)]
mod tests;
