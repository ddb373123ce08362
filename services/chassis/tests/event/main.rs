//! Events from one service's database into another's, over real sockets and real databases.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, in its fixtures too")]

mod admin;
mod consumer;
mod dead_letter;
mod door;
mod feed;
mod figures;
mod follower;
mod retention;
mod sequencer;
mod service;
mod storm;
