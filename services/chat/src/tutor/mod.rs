//! The built-in tutor: rules and tables instead of a language model, so that the system works and can be tested
//! offline. Pure and deterministic.

mod address;
mod analysis;
mod data;
mod edit;
mod feedback;
mod grammar;
mod hangul;
mod intent;
mod opening;
mod reply;
mod rewrite;
mod romanise;
mod sentence;
mod spelling;
#[cfg(test)]
mod tests;
mod verdict;
mod vocabulary;

pub use analysis::analyse;
pub use opening::{greeting, guide};
pub use reply::reply;
pub use romanise::romanise;
pub use vocabulary::vocabulary;
