//! The ledger's file: one entry a line, and it only grows. A last line without its end is still being written.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use crate::audit::error::AuditError;
use crate::audit::ledger::Ledger;

pub(in crate::audit) struct LedgerFile<'a> {
    path: &'a Path,
    /// Up to here it was read.
    read: u64,
}

impl<'a> LedgerFile<'a> {
    pub(in crate::audit) fn new(path: &'a Path) -> Self {
        Self { path, read: 0 }
    }

    /// Takes in what was not read yet.
    pub(in crate::audit) fn read_into(&mut self, ledger: &mut Ledger) -> Result<(), AuditError> {
        let read = self.lines(ledger);
        read.map_err(|source| AuditError::Ledger { path: self.path.to_owned(), source })
    }

    fn lines(&mut self, ledger: &mut Ledger) -> io::Result<()> {
        let mut file = BufReader::new(File::open(self.path)?);
        file.seek(SeekFrom::Start(self.read))?;
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = file.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                return Ok(());
            }
            ledger.line(&line);
            self.read += u64::try_from(length).unwrap_or(u64::MAX);
        }
    }
}
