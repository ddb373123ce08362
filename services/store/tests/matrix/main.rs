//! The proof of the sagas: real processes over a real disk, killed at every point, with every message twice, with
//! answers lost, with clocks that jump. After it, `doran sagas audit` finds nothing, and every promise was kept.
//!
//! `MATRIX_SEEDS` says how often the matrix of kills is gone through, `MATRIX_SEED` replays the dice of a run (not
//! the machine's), `MATRIX_LOGS` names a directory for what the processes log.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests do")]

mod ask;
mod between;
mod buyer;
mod check;
mod clock;
mod cluster;
mod kill;
mod message;
mod plot;
mod point;
mod process;
mod role;
mod rush;
mod scene;
mod tell;
mod world;
