//! What the routes do, a resource a file.

pub mod archive;
mod beginning;
pub mod execution;
pub mod health;
pub mod job;
mod keyset;
pub mod log;
pub mod operator;
pub mod report;
pub mod schedule;
pub mod skipped;
pub mod stream;
pub mod trigger;
