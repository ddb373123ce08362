//! The file. Blocking: for a thread that may wait.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use contract::payment::Entry;
use tracing::{info, warn};

use super::replay::{Mark, ReplayError, replay};
use crate::domain::{Books, Impossible};

/// The open ledger. Nobody else has it as long as this is there.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    /// One for each entry, in order.
    marks: Vec<Mark>,
    /// Where the last entry that counts ends.
    end: u64,
    tail: Tail,
}

/// What lies behind the last entry that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    Clean,
    /// A part of entries that were not written to the end.
    Torn,
}

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("failed to {action} the ledger {}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("another process has the ledger {}", path.display())]
    Taken { path: PathBuf },
    #[error("line {line} of the ledger {} is damaged: look at it before anybody books again", path.display())]
    Damaged { path: PathBuf, line: u64, source: serde_json::Error },
    #[error("line {line} of the ledger {} cannot stand there: look at it before anybody books again", path.display())]
    Misplaced { path: PathBuf, line: u64, source: Impossible },
}

impl Ledger {
    /// Opens the ledger at `path`, or begins one, and reads what it says.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn open(path: &Path) -> Result<(Self, Books), LedgerError> {
        let failed = |action| move |source| LedgerError::File { action, path: path.to_owned(), source };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(failed("make the directory of"))?;
        let mut options = OpenOptions::new();
        let file =
            options.read(true).append(true).create(true).mode(0o600).open(path).map_err(failed("open"))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => LedgerError::Taken { path: path.to_owned() },
            TryLockError::Error(source) => failed("lock")(source),
        })?;
        // A new file is only there for good once its directory is.
        File::open(directory).and_then(|it| it.sync_all()).map_err(failed("make durable"))?;
        let found = replay(BufReader::new(&file)).map_err(|error| match error {
            ReplayError::Read(source) => failed("read")(source),
            ReplayError::Damaged { line, source } => {
                LedgerError::Damaged { path: path.to_owned(), line, source }
            }
            ReplayError::Misplaced { line, source } => {
                LedgerError::Misplaced { path: path.to_owned(), line, source }
            }
        })?;
        if found.torn > 0 {
            let bytes = found.torn;
            warn!(bytes, "cut {bytes} bytes off the ledger: the last line was never finished");
        }
        let mut ledger = Self { file, marks: found.marks, end: found.end, tail: Tail::Torn };
        // Also when nothing is torn: what was read may not have reached the disk.
        ledger.mend().map_err(failed("mend"))?;
        info!(entries = found.books.entries(), "opened the ledger with {} entries", found.books.entries());
        Ok((ledger, found.books))
    }

    /// Writes entries down, all of them or none. They are on the disk when this returns.
    ///
    /// # Errors
    /// When the disk does not take them; the ledger is then as it was.
    pub fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        self.mend()?;
        let mut text = Vec::new();
        let mut marks = Vec::with_capacity(entries.len());
        for entry in entries {
            marks.push(Mark { offset: self.end + text.len() as u64, at: entry.at.timestamp_micros() });
            serde_json::to_writer(&mut text, entry)?;
            text.push(b'\n');
        }
        self.tail = Tail::Torn;
        if let Err(error) = self.file.write_all(&text).and_then(|()| self.file.sync_data()) {
            // If that fails too, the next one tries again before it writes anything.
            if let Err(error) = self.mend() {
                warn!("failed to take unfinished entries out of the ledger: {error}");
            }
            return Err(error);
        }
        self.tail = Tail::Clean;
        self.end += text.len() as u64;
        self.marks.append(&mut marks);
        Ok(())
    }

    /// Up to `limit` entries behind number `after`, from a time on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn page(&self, after: u64, from: Option<DateTime<Utc>>, limit: usize) -> io::Result<Vec<Entry>> {
        let from = from.map_or(i64::MIN, |from| from.timestamp_micros());
        let late = self.marks.partition_point(|mark| mark.at < from);
        let first = usize::try_from(after).unwrap_or(usize::MAX).max(late).min(self.marks.len());
        let last = first.saturating_add(limit).min(self.marks.len());
        let offset = |number: usize| self.marks.get(number).map_or(self.end, |mark| mark.offset);
        let length = usize::try_from(offset(last) - offset(first)).map_err(io::Error::other)?;
        let mut text = vec![0; length];
        self.file.read_exact_at(&mut text, offset(first))?;
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        lines.map(|line| serde_json::from_slice(line).map_err(io::Error::from)).collect()
    }

    /// Takes away what lies behind the last entry that counts.
    fn mend(&mut self) -> io::Result<()> {
        if self.tail == Tail::Torn {
            self.file.set_len(self.end)?;
            self.file.sync_all()?;
            self.tail = Tail::Clean;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use contract::payment::Booking;

    use super::*;

    fn entries(count: u64) -> Vec<Entry> {
        let entry = |seq: u64| Entry {
            seq,
            at: DateTime::from_timestamp(1_700_000_000 + i64::try_from(seq).unwrap(), 0).unwrap(),
            payment_id: uuid::Uuid::from_u128(seq.into()).into(),
            order_id: Some(uuid::Uuid::from_u128(1).into()),
            booking: Booking::Authorise,
            amount: 1000,
            currency: "KRW".to_owned(),
            key: None,
            decline_code: None,
        };
        (1..=count).map(entry).collect()
    }

    fn written(count: u64) -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("data").join("ledger.ndjson");
        let (mut ledger, _) = Ledger::open(&path).unwrap();
        ledger.append(&entries(count)).unwrap();
        (home, path)
    }

    #[test]
    fn what_was_written_is_read_again_a_page_at_a_time() {
        let (_home, path) = written(7);
        let (ledger, books) = Ledger::open(&path).unwrap();
        assert_eq!(books.entries(), 7);
        let all = entries(7);
        assert_eq!(ledger.page(0, None, 3).unwrap(), all[..3]);
        assert_eq!(ledger.page(3, None, 100).unwrap(), all[3..]);
        assert_eq!(ledger.page(7, None, 100).unwrap(), []);
        assert_eq!(ledger.page(u64::MAX, None, usize::MAX).unwrap(), []);
        assert_eq!(ledger.page(2, Some(all[4].at), 100).unwrap(), all[4..], "from a time on");
        assert_eq!(ledger.page(6, Some(all[4].at), 100).unwrap(), all[6..]);
    }

    #[test]
    fn a_last_line_without_its_end_is_cut_off_wherever_it_broke() {
        let (_home, path) = written(3);
        let whole = fs::read(&path).unwrap();
        let two = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 1;
        for length in two + 1..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let (mut ledger, books) = Ledger::open(&path).unwrap();
            assert_eq!(books.entries(), 2, "{length}");
            assert_eq!(fs::read(&path).unwrap(), whole[..two]);
            ledger.append(&entries(3)[2..]).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole, "and goes on from there");
        }
    }

    #[test]
    fn a_damaged_line_is_named_and_nothing_is_touched() {
        let (_home, path) = written(3);
        let whole = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = whole.lines().collect();
        for (text, line) in [
            (format!("{}\n{}\n{}\n", lines[0], &lines[1][1..], lines[2]), 2),
            (format!("{}\n\n{}\n", lines[0], lines[1]), 2),
            (format!("{}\n{}\n", lines[1], lines[0]), 1),
            (format!("{}\n{}\n", lines[0], lines[2]), 2),
            (format!("{}\n{}\n", lines[0], lines[0]), 2),
        ] {
            fs::write(&path, &text).unwrap();
            let error = Ledger::open(&path).unwrap_err().to_string();
            assert!(error.starts_with(&format!("line {line} of the ledger")), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn only_one_has_the_ledger() {
        let (_home, path) = written(1);
        let first = Ledger::open(&path).unwrap();
        assert!(matches!(Ledger::open(&path), Err(LedgerError::Taken { .. })));
        drop(first);
        assert!(Ledger::open(&path).is_ok());
    }
}
