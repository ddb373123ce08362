//! A second attempt for the slowest few reads, while the first still runs.

mod hedging;
mod sketch;

pub use hedging::{Attempt, Counts, Hedge};

#[cfg(test)]
mod tests;
