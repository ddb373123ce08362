//! `doran logs`: reads the log store, with or without a running supervisor.

mod filter;
mod render;
mod run;
mod selection;

pub(crate) use run::{Follower, run};
