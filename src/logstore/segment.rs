//! The files of the log store: their names, which there are, and which are kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Segments kept per unit. Each start of a unit begins one; a crash loop must not fill the disk.
const KEPT: usize = 10;

/// One run's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) unit: String,
    pub(crate) run: u64,
    pub(crate) log: PathBuf,
    pub(crate) index: PathBuf,
}

impl Segment {
    pub(crate) fn new(logs: &Path, unit: &str, run: u64) -> Self {
        Self {
            unit: unit.to_owned(),
            run,
            log: logs.join(format!("{unit}.{run}.log")),
            index: logs.join(format!("{unit}.{run}.idx")),
        }
    }
}

/// Every segment in the directory, by unit and then oldest run first; empty when the directory is missing.
pub(crate) fn all(logs: &Path) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(logs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if let Some((unit, run)) = name.to_str().and_then(parse) {
            found.push(Segment::new(logs, unit, run));
        }
    }
    found.sort_by(|a, b| (&a.unit, a.run).cmp(&(&b.unit, b.run)));
    Ok(found)
}

/// The unit's segments, oldest run first.
pub(crate) fn of_unit(logs: &Path, unit: &str) -> io::Result<Vec<Segment>> {
    let mut segments = all(logs)?;
    segments.retain(|segment| segment.unit == unit);
    Ok(segments)
}

/// Removes the unit's oldest segments, so that with the one of `run` no more than the newest ten remain.
pub(crate) fn retain_newest(logs: &Path, unit: &str, run: u64) -> io::Result<()> {
    let older: Vec<Segment> = of_unit(logs, unit)?.into_iter().filter(|segment| segment.run != run).collect();
    let surplus = older.len().saturating_sub(KEPT - 1);
    for segment in &older[..surplus] {
        // The index goes first: a segment without one is not found by readers.
        remove(&segment.index)?;
        remove(&segment.log)?;
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// `chat-2.17.idx` is run 17 of `chat-2`.
fn parse(name: &str) -> Option<(&str, u64)> {
    let (unit, run) = name.strip_suffix(".idx")?.rsplit_once('.')?;
    Some((unit, run.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(logs: &Path, unit: &str, run: u64) {
        let segment = Segment::new(logs, unit, run);
        fs::write(&segment.log, b"").unwrap();
        fs::write(&segment.index, b"").unwrap();
    }

    fn runs(logs: &Path, unit: &str) -> Vec<u64> {
        of_unit(logs, unit).unwrap().iter().map(|segment| segment.run).collect()
    }

    #[test]
    fn a_name_is_split_from_the_right() {
        assert_eq!(parse("chat-2.17.idx"), Some(("chat-2", 17)));
        assert_eq!(parse("supervisor.log"), None);
        assert_eq!(parse("chat.new.idx"), None);
    }

    #[test]
    fn the_newest_ten_segments_of_a_unit_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for run in 1..=12 {
            touch(dir.path(), "chat", run);
        }
        touch(dir.path(), "chat-2", 1);
        retain_newest(dir.path(), "chat", 13).unwrap();
        assert_eq!(runs(dir.path(), "chat"), (4..=12).collect::<Vec<_>>(), "nine, and room for run 13");
        assert!(!Segment::new(dir.path(), "chat", 3).log.exists());
        assert_eq!(runs(dir.path(), "chat-2"), [1], "another unit's segments stay");
    }

    #[test]
    fn a_missing_directory_has_no_segments() {
        let dir = tempfile::tempdir().unwrap();
        assert!(all(&dir.path().join("none")).unwrap().is_empty());
    }
}
