//! `doran logs`: reads the log store, with or without a running supervisor.

mod filter;
mod render;
mod run;
mod selection;

pub(super) use filter::point_in_time;
pub(super) use render::style_of as style_of_unit;
pub(crate) use run::{Follower, run};
