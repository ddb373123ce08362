//! Cache-aside over Redis: asks Redis, else the source, and keeps what the source said.
//!
//! The source stays the truth. Without Redis every question goes to the source, still one at a time for a key:
//! a copy in the process would be one that no other replica's event can reach.

mod cached;
mod entries;
mod flight;
mod follow;
mod tally;

pub use cached::{Cache, Versioned};
pub use follow::Changed;
