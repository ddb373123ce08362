//! The proof of the schedules: a thousand slots fire, each once, while three instances of the service are killed and the
//! clocks of the database and of the instances jump.
//!
//! `SLOTS_SEED` replays the dice of a run (not the machine's), `SLOTS_LOGS` names a directory for what the processes log.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests do")]

mod check;
mod clock;
mod cluster;
mod process;
mod proof;
mod role;
