//! `doran events`: what services publish, how far its consumers are, and what they have given up on.

mod args;
mod dead;
mod feed;
mod filter;
mod follow;
mod lag;
mod letter;
mod line;
mod participant;
mod replay;
mod rewind;
mod run;
mod tail;
mod view;

pub(crate) use args::{EXAMPLES, EventsCommand};
pub(super) use run::run;
