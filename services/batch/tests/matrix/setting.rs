//! What the environment asks of a run.

use std::time::Duration;

/// So few that the whole matrix is quick; each job has some chunks of them all the same.
const ROWS: u64 = 3000;

/// How many rows a job has to do with.
pub(crate) fn rows() -> u64 {
    number("MATRIX_ROWS").unwrap_or(ROWS)
}

/// The seeds to go through, the first of them random unless it is given.
pub(crate) fn seeds() -> std::ops::Range<u64> {
    let first = number("MATRIX_SEED").unwrap_or_else(|| rand::random::<u32>().into());
    first..first + number("MATRIX_SEEDS").unwrap_or(1)
}

/// Somebody asked for so many seeds, and has the time.
pub(crate) fn is_thorough() -> bool {
    number("MATRIX_SEEDS").is_some()
}

/// How long an owner that was stopped stands.
pub(crate) fn pause() -> Option<Duration> {
    number("MATRIX_PAUSE_SECS").map(Duration::from_secs)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var_os(variable).map(|text| text.to_str().unwrap().parse().unwrap())
}
