//! Keeps the units of an instance running.
//!
//! Pure: `state`, `graph`, `step`, `plan`. Effects: `runtime` (the only loop), `process` (a live run), `probe`,
//! `publish`, `adoption`, `leftover`, `control` (the API) and `client` (its other end).

mod adoption;
pub(crate) mod client;
pub(crate) mod control;
pub(crate) mod facts;
mod graph;
pub(crate) mod lease;
pub(crate) mod leftover;
pub(crate) mod plan;
mod probe;
mod process;
mod publish;
pub(crate) mod report;
mod runtime;
mod serve;
pub(crate) mod state;
mod step;
pub(crate) mod unit;

#[cfg(test)]
mod tests;

pub(crate) use serve::{make_directories, run};
