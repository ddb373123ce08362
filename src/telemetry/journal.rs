//! The history on disk: `seconds.<begin>.ndjson` and `minutes.<begin>.ndjson`, one line a moment.
//!
//! Segments are only appended to, and never again by another process: a line that a kill has torn is the last of its
//! segment and is passed over. A segment goes when all of it is too old.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tracing::warn;

use super::history::{History, MINUTES_KEPT_MS, Moment, SECONDS_KEPT_MS};

const SECONDS: &str = "seconds";
const MINUTES: &str = "minutes";
/// In how many segments a span is kept.
const PARTS: i64 = 4;
/// A longer line was not written by us: a busy stack's has 10 KB.
const LONGEST_LINE: u64 = 4 << 20;

/// Where moments of one kind go.
struct Series {
    name: &'static str,
    kept_ms: i64,
    /// The segment that is written to and when it began.
    open: Option<(i64, File)>,
}

pub(super) struct Journal {
    dir: PathBuf,
    seconds: Series,
    minutes: Series,
    /// The disk refused last time, and that was said.
    refused: bool,
}

impl Journal {
    /// Reads what is there and goes on behind it. What cannot be read is left out.
    pub(super) fn open(dir: &Path, now: i64) -> (Self, History) {
        let journal = Self {
            dir: dir.to_owned(),
            seconds: Series { name: SECONDS, kept_ms: SECONDS_KEPT_MS, open: None },
            minutes: Series { name: MINUTES, kept_ms: MINUTES_KEPT_MS, open: None },
            refused: false,
        };
        let read = |series: &Series| series.read(dir, now);
        let history = History::restore(read(&journal.seconds), read(&journal.minutes), now);
        (journal, history)
    }

    /// A disk that refuses costs the history and nothing else.
    pub(super) fn write(&mut self, second: &Moment, minute: Option<&Moment>) {
        let written = self.seconds.append(&self.dir, second);
        let written =
            written.and_then(|()| minute.map_or(Ok(()), |minute| self.minutes.append(&self.dir, minute)));
        match written {
            Ok(()) => self.refused = false,
            Err(error) => {
                (self.seconds.open, self.minutes.open) = (None, None);
                if !std::mem::replace(&mut self.refused, true) {
                    warn!("metrics are not written down: {}: {error}", self.dir.display());
                }
            }
        }
    }
}

impl Series {
    fn append(&mut self, dir: &Path, moment: &Moment) -> std::io::Result<()> {
        let over = |begun: i64| moment.at < begun || moment.at - begun >= self.kept_ms / PARTS;
        if self.open.as_ref().is_none_or(|(begun, _)| over(*begun)) {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            let path = dir.join(format!("{}.{}.ndjson", self.name, moment.at));
            // A segment of that name was left by a process that was killed: its last line may be torn.
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
            self.open = Some((moment.at, file));
            self.tidy(dir, moment.at);
        }
        let Some((_, file)) = &mut self.open else { return Ok(()) };
        let mut line = serde_json::to_vec(moment)?;
        line.push(b'\n');
        file.write_all(&line)
    }

    /// Removes the segments that another one follows which is too old as well.
    fn tidy(&self, dir: &Path, now: i64) {
        let segments = self.segments(dir);
        for pair in segments.windows(2) {
            if pair[1].0 < now - self.kept_ms {
                // It is tried again with the next segment.
                let _ = fs::remove_file(&pair[0].1);
            }
        }
        // Segments of a time that has not come: the clock was set back.
        for (_, path) in segments.iter().filter(|(begun, _)| *begun > now) {
            let _ = fs::remove_file(path);
        }
    }

    fn segments(&self, dir: &Path) -> Vec<(i64, PathBuf)> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let mut segments: Vec<(i64, PathBuf)> = entries
            .filter_map(|entry| {
                let name = entry.file_name();
                let begun =
                    name.to_str()?.strip_prefix(self.name)?.strip_prefix('.')?.strip_suffix(".ndjson")?;
                Some((begun.parse().ok()?, entry.path()))
            })
            .collect();
        segments.sort_unstable();
        segments
    }

    fn read(&self, dir: &Path, now: i64) -> Vec<Moment> {
        let mut moments: Vec<Moment> = Vec::new();
        for (_, path) in self.segments(dir) {
            let Ok(file) = File::open(&path) else { continue };
            for moment in lines(file) {
                let in_order = moments.last().is_none_or(|last| last.at < moment.at);
                if in_order && moment.at <= now && moment.at >= now - self.kept_ms {
                    moments.push(moment);
                }
            }
        }
        moments
    }
}

fn lines(file: File) -> impl Iterator<Item = Moment> {
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    std::iter::from_fn(move || {
        loop {
            line.clear();
            let mut bounded = std::io::Read::take(&mut reader, LONGEST_LINE);
            if bounded.read_until(b'\n', &mut line).ok()? == 0 {
                return None;
            }
            if let Ok(moment) = serde_json::from_slice(&line) {
                return Some(moment);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, Traffic};
    use super::*;

    fn second(at: i64) -> Moment {
        let traffic = Some(Traffic { over_ms: 1000, received: at.unsigned_abs(), sent: 1 });
        Moment { at, units: vec![("auth".into(), Sample { traffic, ..Sample::default() })] }
    }

    fn write(dir: &Path, times: impl Iterator<Item = i64>) -> History {
        let mut times = times.peekable();
        let (mut journal, mut history) = Journal::open(dir, *times.peek().unwrap());
        for at in times {
            let minute = history.push(second(at));
            journal.write(&second(at), minute.as_ref());
        }
        history
    }

    fn times<'a>(moments: impl Iterator<Item = &'a Moment>) -> Vec<i64> {
        moments.map(|moment| moment.at).collect()
    }

    #[test]
    fn a_supervisor_that_was_killed_leaves_its_history_to_the_next() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("telemetry");
        let before = write(&dir, (1..=400).map(|second| second * 1000));
        // It died in the middle of a line.
        let torn =
            Series { name: SECONDS, kept_ms: SECONDS_KEPT_MS, open: None }.segments(&dir).pop().unwrap().1;
        let whole = fs::read(&torn).unwrap();
        fs::write(&torn, &whole[..whole.len() - 9]).unwrap();
        let (_, after) = Journal::open(&dir, 400_500);
        let mut expected = times(before.seconds(0, i64::MAX));
        expected.pop();
        assert_eq!(times(after.seconds(0, i64::MAX)), expected);
        assert_eq!(times(after.minutes(-1, i64::MAX)), times(before.minutes(-1, i64::MAX)));
        // The next one goes on, and what it writes is behind that.
        let went_on = write(&dir, (401..=420).map(|second| second * 1000));
        assert_eq!(times(went_on.seconds(0, i64::MAX)).len(), 419);
        assert_eq!(times(Journal::open(&dir, 420_000).1.seconds(0, i64::MAX)).len(), 419);
    }

    #[test]
    fn old_segments_go_and_the_directory_stays_small() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("telemetry");
        write(&dir, (1..=7200).map(|second| second * 1000));
        let series = Series { name: SECONDS, kept_ms: SECONDS_KEPT_MS, open: None };
        assert!(series.segments(&dir).len() <= 7, "{:?}", series.segments(&dir));
        let (_, history) = Journal::open(&dir, 7_200_000);
        assert_eq!(history.seconds(0, i64::MAX).count(), 901);
        assert_eq!(history.minutes(-1, i64::MAX).count(), 121);
    }

    #[test]
    fn garbage_is_passed_over() {
        let home = tempfile::tempdir().unwrap();
        let line = String::from_utf8(serde_json::to_vec(&second(5)).unwrap()).unwrap();
        fs::write(home.path().join("seconds.1.ndjson"), format!("{{\n\0\0\n{line}\nrest")).unwrap();
        fs::write(home.path().join("seconds.x.ndjson"), "").unwrap();
        assert_eq!(times(Journal::open(home.path(), 10).1.seconds(0, i64::MAX)), [5]);
    }
}
