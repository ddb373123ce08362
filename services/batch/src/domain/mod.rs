//! Rules as pure functions: no async, no SQL, no HTTP.

pub mod accept;
pub mod csv;
pub mod pace;
pub mod parameter;
pub mod progress;
pub mod retry;
pub mod schedule;
pub mod start;
