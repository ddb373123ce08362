//! `doran batch`: jobs, their executions, their schedules and what they leave behind. It asks a ready instance of batch
//! with the operator's token.

mod archives;
mod args;
mod execution;
mod follow;
mod history;
mod item;
mod list;
mod logs;
mod progress;
mod report;
mod restart;
mod run;
mod schedule;
mod service;
mod show;
mod skipped;
mod status;
mod stop;
mod target;
mod trigger;
mod wait;

pub(crate) use args::{BatchCommand, EXAMPLES};
pub(super) use run::run;
