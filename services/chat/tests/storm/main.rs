//! The storm: 200 clients in 20 rooms over three instances that are killed, stopped and drained at random, while
//! Redis dies and hangs, PostgreSQL breaks off every connection, and learners log out. After it, every stream has
//! brought every message of its room once and in order, and all of them are what the database holds.
//!
//! `STORM_SEED` replays the dice of a run (not the machine's), `STORM_ROUNDS` makes it longer, `STORM_LOGS` names a
//! directory for what the instances log.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests do")]

mod attempt;
mod authority;
mod calm;
mod checker;
mod client;
mod course;
mod event_stream;
mod fault;
mod figures;
mod gust;
mod late;
mod process;
mod proof;
mod room;
mod scene;
mod sheet;
mod socket;
mod stream;
mod tempest;
mod world;
mod writer;
