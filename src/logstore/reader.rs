//! Walks the runs of one unit line by line, and goes on where it stopped when more has been written.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::line::Line;
use super::read::SegmentReader;
use super::segment::Segment;

/// A line and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) unit: Arc<str>,
    pub(crate) run: u64,
    pub(crate) line: Line,
}

/// Where reading starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Beginning,
    /// The first line that began at or after this time (nanoseconds since the Unix epoch).
    Time(u64),
    /// Only what is written after this.
    End,
}

/// What becomes of lines that have begun and not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// They are shown as they are.
    Shown,
    /// The reader goes on, and shows them when they are complete.
    Awaited,
}

pub(crate) struct UnitReader {
    unit: Arc<str>,
    unfinished: Unfinished,
    current: Option<SegmentReader>,
    /// Segments to read after the current one, and the record to start at.
    newer: VecDeque<(Segment, u64)>,
    newest_run: Option<u64>,
    lines: VecDeque<Entry>,
}

impl UnitReader {
    /// Of a unit whose `segments`, oldest first, are known so far.
    pub(crate) fn new(
        unit: &str,
        segments: &[Segment],
        from: From,
        unfinished: Unfinished,
    ) -> io::Result<Self> {
        let mut starts = Vec::new();
        for segment in segments {
            let Some(reader) = SegmentReader::open(segment.clone(), 0)? else {
                continue;
            };
            let start = match from {
                From::Beginning => 0,
                From::Time(wall_ns) => reader.first_since(wall_ns)?,
                From::End => reader.len()?,
            };
            starts.push((segment.clone(), start));
        }
        Ok(Self::starting(unit, starts, unfinished))
    }

    pub(super) fn starting(unit: &str, starts: Vec<(Segment, u64)>, unfinished: Unfinished) -> Self {
        Self {
            unit: unit.into(),
            unfinished,
            current: None,
            newest_run: starts.last().map(|(segment, _)| segment.run),
            newer: starts.into(),
            lines: VecDeque::new(),
        }
    }

    pub(crate) fn unit(&self) -> &str {
        &self.unit
    }

    /// Tells the reader of the unit's segments; those it does not know yet are read from their beginning.
    pub(crate) fn offer<'a>(&mut self, segments: impl IntoIterator<Item = &'a Segment>) {
        for segment in segments {
            if segment.unit == *self.unit && self.newest_run.is_none_or(|newest| segment.run > newest) {
                self.newest_run = Some(segment.run);
                self.newer.push_back((segment.clone(), 0));
            }
        }
    }

    /// The next complete line; `None` when there is none at present.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Entry>> {
        loop {
            if let Some(entry) = self.lines.pop_front() {
                return Ok(Some(entry));
            }
            if self.read_current()? {
                continue;
            }
            // The next run begins only when the one before has written its last byte.
            if !self.newer.is_empty() || self.unfinished == Unfinished::Shown {
                self.finish();
            }
            match self.newer.pop_front() {
                Some((segment, from)) => self.current = SegmentReader::open(segment, from)?,
                None => return Ok(self.lines.pop_front()),
            }
        }
    }

    /// Nothing continues the lines that have begun.
    fn finish(&mut self) {
        let Some(current) = &mut self.current else { return };
        let mut lines = Vec::new();
        current.finish(&mut lines);
        let (unit, run) = (&self.unit, current.segment.run);
        self.lines.extend(lines.into_iter().map(|line| Entry { unit: Arc::clone(unit), run, line }));
    }

    fn read_current(&mut self) -> io::Result<bool> {
        let Some(current) = &mut self.current else {
            return Ok(false);
        };
        let mut lines = Vec::new();
        let more = current.read_more(&mut lines)?;
        let (unit, run) = (&self.unit, current.segment.run);
        self.lines.extend(lines.into_iter().map(|line| Entry { unit: Arc::clone(unit), run, line }));
        Ok(more)
    }
}
