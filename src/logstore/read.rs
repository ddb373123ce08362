//! Reads one segment from any record on, and again when it has grown.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::index::{self, RECORD_SIZE, Record, Stream};
use super::line::{Cutter, Line};
use super::segment::Segment;

/// Records taken from the index at a time.
const BATCH: u64 = 512;
/// Bytes taken from the log before the lines in them are handed out; one chunk may exceed it.
const BATCH_BYTES: usize = 1024 * 1024;
/// How far back the previous chunk of a stream is looked for, to learn whether it ended a line.
const LOOK_BACK: u64 = 256;

pub(super) struct SegmentReader {
    pub(crate) segment: Segment,
    /// Opened with the first record, because a unit that has said nothing may have no log yet.
    log: Option<File>,
    index: File,
    next: u64,
    cutter: Cutter,
    buffer: Vec<u8>,
}

impl SegmentReader {
    /// `None` when it has been removed meanwhile.
    pub(super) fn open(segment: Segment, from: u64) -> io::Result<Option<Self>> {
        let Some(index) = open(&segment.index)? else {
            return Ok(None);
        };
        let mut reader =
            Self { segment, log: None, index, next: from, cutter: Cutter::default(), buffer: Vec::new() };
        if from > 0 {
            reader.find_line_start()?;
        }
        Ok(Some(reader))
    }

    /// Complete records in the index.
    pub(super) fn len(&self) -> io::Result<u64> {
        let Some(bytes) = self.index.metadata()?.len().checked_sub(RECORD_SIZE as u64) else {
            return Ok(0);
        };
        let mut header = [0; RECORD_SIZE];
        self.index.read_exact_at(&mut header, 0)?;
        index::check_header(&header).map_err(|error| self.invalid(error))?;
        Ok(bytes / RECORD_SIZE as u64)
    }

    /// The first record that was read at or after `wall_ns`.
    pub(super) fn first_since(&self, wall_ns: u64) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.len()?);
        while low < high {
            let middle = low.midpoint(high);
            if self.record(middle)?.stamp.wall_ns < wall_ns {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Adds the lines of some more chunks; `false` when there is nothing more at present.
    pub(super) fn read_more(&mut self, lines: &mut impl Extend<Line>) -> io::Result<bool> {
        let end = self.len()?.min(self.next + BATCH);
        let records = self.batch(end)?;
        let Some(begin) = records.first().map(|record| record.offset) else {
            return Ok(false);
        };
        let bytes: usize = records.iter().map(in_log).sum();
        self.load(begin, bytes)?;
        let mut rest = self.buffer.as_slice();
        for record in &records {
            let chunk = rest.split_off(..in_log(record).min(rest.len())).unwrap_or_default();
            self.cutter.push(record, chunk, lines);
        }
        self.next += records.len() as u64;
        Ok(true)
    }

    /// The next records up to `end`, but not many more bytes than are wanted at a time. Chunks follow each
    /// other without holes, so that one read of the log gets all of theirs.
    fn batch(&self, end: u64) -> io::Result<Vec<Record>> {
        let count = usize::try_from(end.saturating_sub(self.next)).unwrap_or_default();
        let mut bytes = vec![0; count * RECORD_SIZE];
        self.index.read_exact_at(&mut bytes, (self.next + 1) * RECORD_SIZE as u64)?;
        let mut records = Vec::with_capacity(count);
        let mut total = 0;
        for encoded in bytes.as_chunks::<RECORD_SIZE>().0 {
            let record = Record::decode(encoded).map_err(|error| self.invalid(error))?;
            total += in_log(&record);
            records.push(record);
            if total >= BATCH_BYTES {
                break;
            }
        }
        Ok(records)
    }

    /// Adds the lines that have begun and will not be continued.
    pub(super) fn finish(&mut self, lines: &mut impl Extend<Line>) {
        self.cutter.finish(lines);
    }

    /// A line belongs to the chunk in which it began: the rest of one that began before `next` is skipped.
    fn find_line_start(&mut self) -> io::Result<()> {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let first = self.next.saturating_sub(LOOK_BACK);
            for number in (first..self.next.min(self.len()?)).rev() {
                let record = self.record(number)?;
                if record.stream == stream && record.length > 0 {
                    self.load(record.offset + u64::from(record.length) - 1, 1)?;
                    if self.buffer != b"\n" {
                        self.cutter.skip_to_next_line(stream);
                    }
                    break;
                }
                if record.stream == Stream::Gap {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Fills the buffer with as much as there is: a log that was cut short shows what is left of it.
    fn load(&mut self, offset: u64, length: usize) -> io::Result<()> {
        if self.log.is_none() {
            self.log = open(&self.segment.log)?;
        }
        self.buffer.resize(length, 0);
        let available = match &self.log {
            Some(log) => read_at(log, &mut self.buffer, offset)?,
            None => 0,
        };
        self.buffer.truncate(available);
        Ok(())
    }

    fn record(&self, number: u64) -> io::Result<Record> {
        let mut bytes = [0; RECORD_SIZE];
        self.index.read_exact_at(&mut bytes, (number + 1) * RECORD_SIZE as u64)?;
        Record::decode(&bytes).map_err(|error| self.invalid(error))
    }

    fn invalid(&self, error: index::DecodeError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", self.segment.index.display()))
    }
}

/// A gap has a length, but none of its bytes.
fn in_log(record: &Record) -> usize {
    if record.stream == Stream::Gap { 0 } else { record.length as usize }
}

fn open(path: &std::path::Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(more) => done += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
