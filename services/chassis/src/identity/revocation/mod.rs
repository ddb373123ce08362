//! Access tokens that are dead before their time: a list in memory, kept current from auth's events.

mod following;
mod list;
mod revocations;

pub use following::follow_revocations;
pub(super) use list::Verdict;
pub use revocations::Revocations;
