//! The ledger as a file.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use contract::payment::{Booking, Entry};
use tempfile::TempDir;

use super::world::{World, entry};
use crate::audit::read::LedgerFile;
use crate::audit::{AuditError, Ledger, LedgerFault, Violation};

struct Home {
    _dir: TempDir,
    path: PathBuf,
}

fn home() -> Home {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("ledger.ndjson");
    File::create(&path).unwrap();
    Home { _dir: dir, path }
}

fn append(home: &Home, text: &str) {
    OpenOptions::new().append(true).open(&home.path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn line(seq: u64) -> String {
    let mut world = World::with_items(0);
    let payment = uuid::Uuid::from_u128(u128::from(seq)).into();
    let entry = Entry { seq, ..entry(Some(world.id().into()), payment, Booking::Authorise, 5) };
    serde_json::to_string(&entry).unwrap() + "\n"
}

fn faults(ledger: &mut Ledger) -> Vec<LedgerFault> {
    ledger.take_faults()
}

#[test]
fn a_line_without_its_end_waits_for_the_next_reading() {
    let home = home();
    let (first, second) = (line(1), line(2));
    append(&home, &first);
    append(&home, &second[..20]);
    let (mut ledger, mut file) = (Ledger::default(), LedgerFile::new(&home.path));
    file.read_into(&mut ledger).unwrap();
    assert_eq!((ledger.entries(), faults(&mut ledger)), (1, vec![]));
    append(&home, &second[20..]);
    file.read_into(&mut ledger).unwrap();
    assert_eq!((ledger.entries(), faults(&mut ledger)), (2, vec![]));
}

#[test]
fn a_broken_line_and_a_missing_one_are_found() {
    let home = home();
    append(&home, &format!("{}{{}}\n{}", line(1), line(3)));
    let mut ledger = Ledger::default();
    LedgerFile::new(&home.path).read_into(&mut ledger).unwrap();
    let faults = faults(&mut ledger);
    let [LedgerFault::Line { line: 2, .. }, LedgerFault::Gap { expected: 2, found: 3 }] = &faults[..] else {
        panic!("{faults:?}")
    };
    let kinds = faults.into_iter().map(|fault| Violation::Ledger(fault).kind());
    assert_eq!(kinds.collect::<Vec<_>>(), ["LEDGER_LINE", "LEDGER_GAP"]);
}

#[test]
fn a_ledger_that_is_not_there_is_an_error_with_its_path() {
    let home = home();
    std::fs::remove_file(&home.path).unwrap();
    let error = LedgerFile::new(&home.path).read_into(&mut Ledger::default()).unwrap_err();
    assert!(matches!(&error, AuditError::Ledger { path, .. } if *path == home.path));
}
