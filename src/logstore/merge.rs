//! Lines of several units in order of time.

use std::io;

use super::reader::{Entry, UnitReader};

/// Readers side by side, each with its next line in hand.
#[derive(Default)]
pub(crate) struct Merged {
    sources: Vec<(UnitReader, Option<Entry>)>,
}

impl Merged {
    pub(crate) fn add(&mut self, reader: UnitReader) {
        self.sources.push((reader, None));
    }

    pub(crate) fn readers_mut(&mut self) -> impl Iterator<Item = &mut UnitReader> {
        self.sources.iter_mut().map(|(reader, _)| reader)
    }

    /// Looks again at those that had nothing: call it before [`Self::take_oldest`], and when more may be there.
    pub(crate) fn refill(&mut self) -> io::Result<()> {
        for (reader, head) in &mut self.sources {
            if head.is_none() {
                *head = reader.next_line()?;
            }
        }
        Ok(())
    }

    /// The oldest line in hand. Lines of one unit keep their order.
    pub(crate) fn take_oldest(&mut self) -> io::Result<Option<Entry>> {
        // By the wall clock: the monotonic one starts anew with each boot, and segments outlive boots.
        let time = |head: &Option<Entry>| head.as_ref().map(|entry| entry.line.stamp.wall_ns);
        let waiting = self.sources.iter_mut().filter(|(_, head)| head.is_some());
        let Some((reader, head)) = waiting.min_by_key(|(_, head)| time(head)) else {
            return Ok(None);
        };
        Ok(std::mem::replace(head, reader.next_line()?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::{Stamp, Stream};
    use super::super::reader::{From, Unfinished};
    use super::super::segment::Segment;
    use super::super::write::{LazyFile, SegmentWriter};
    use super::*;

    fn reader(logs: &std::path::Path, unit: &str, lines: &[(u64, &str)]) -> UnitReader {
        let segment = Segment::new(logs, unit, 1);
        let files = (LazyFile::new(segment.log.clone()), LazyFile::new(segment.index.clone()));
        let mut writer = SegmentWriter::new(files.0, files.1);
        for (time, line) in lines {
            let stamp = Stamp { wall_ns: *time, mono_ns: *time };
            writer.accept(Stream::Stdout, stamp, format!("{line}\n").as_bytes());
        }
        assert!(writer.flush());
        UnitReader::new(unit, &[segment], From::Beginning, Unfinished::Shown).unwrap()
    }

    #[test]
    fn lines_of_several_units_come_in_order_of_time() {
        let dir = tempfile::tempdir().unwrap();
        let mut merged = Merged::default();
        merged.add(reader(dir.path(), "auth", &[(1, "a1"), (4, "a4"), (3, "a3, written late")]));
        merged.add(reader(dir.path(), "chat", &[(2, "c2"), (5, "c5")]));
        merged.refill().unwrap();
        let texts: Vec<String> =
            std::iter::from_fn(|| merged.take_oldest().unwrap()).map(|entry| entry.line.text).collect();
        assert_eq!(texts, ["a1", "c2", "a4", "a3, written late", "c5"], "a unit's own order stands");
    }
}
