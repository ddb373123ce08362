//! Rules as pure functions and types: no database, no HTTP, no runtime.

pub mod bookmark;
pub mod draft;
pub mod item;
pub mod listing;
pub mod reconciliation;
pub mod saga;
pub mod violation;
