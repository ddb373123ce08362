//! Reads the file from the beginning: what was booked, and where each entry lies.

use std::io::{self, BufRead};

use contract::payment::Entry;

use crate::domain::{Books, Impossible};

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Replay {
    pub(super) books: Books,
    pub(super) marks: Vec<Mark>,
    /// Where the last whole line ends.
    pub(super) end: u64,
    /// Bytes behind it, of a line that nobody was told of.
    pub(super) torn: u64,
}

/// Where an entry begins, and when it was made, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) offset: u64,
    pub(super) at: i64,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ReplayError {
    #[error("failed to read the ledger")]
    Read(#[from] io::Error),
    #[error("line {line} of the ledger is damaged")]
    Damaged { line: u64, source: serde_json::Error },
    #[error("line {line} of the ledger cannot stand there")]
    Misplaced { line: u64, source: Impossible },
}

/// An answer waits for its whole line, so an end without a line break is nobody's loss. Anything else that does not
/// fit is: then a person must look.
pub(super) fn replay(mut from: impl BufRead) -> Result<Replay, ReplayError> {
    let mut replay = Replay::default();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let length = from.read_until(b'\n', &mut text)? as u64;
        if text.last() != Some(&b'\n') {
            replay.torn = length;
            break;
        }
        let entry: Entry =
            serde_json::from_slice(&text).map_err(|source| ReplayError::Damaged { line, source })?;
        replay.books.apply(&entry).map_err(|source| ReplayError::Misplaced { line, source })?;
        replay.marks.push(Mark { offset: replay.end, at: entry.at.timestamp_micros() });
        replay.end += length;
    }
    Ok(replay)
}
