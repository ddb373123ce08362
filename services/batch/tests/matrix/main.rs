//! The proof of the jobs: real processes of batch, killed and stopped at every point of an execution, with others that
//! take over. What they leave behind is compared, bit for bit, with what an undisturbed run leaves.
//!
//! `MATRIX_ROWS` says how many rows a job has, `MATRIX_SEEDS` how often the matrix is gone through, `MATRIX_SEED`
//! replays the dice of a run (not the machine's), `MATRIX_PAUSE_SECS` how long a stopped owner stands, `MATRIX_LOGS`
//! names a directory for what the processes log.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests do")]

mod cluster;
mod digest;
mod fate;
mod kill;
mod operator;
mod outcome;
mod own;
mod pause;
mod point;
mod process;
mod role;
mod rule;
mod scene;
mod seed;
mod service;
mod setting;
mod stage;
mod takeover;
mod tell;
mod trial;
