//! Writes one segment and survives a disk that refuses.
//!
//! What cannot be written is held in memory, up to a limit; beyond it the oldest is dropped and counted, and
//! a gap record says so where it would have stood. Nothing here fails, because the unit must not notice.

use std::collections::VecDeque;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use super::index::{self, Record, Stamp, Stream};

/// Held while the disk refuses: several seconds of a unit that logs as fast as it can.
const HOLD_BYTES: usize = 8 * 1024 * 1024;
/// What a held chunk costs besides its bytes; it bounds the memory of many tiny ones.
const CHUNK_COST: usize = 64;

pub(crate) struct SegmentWriter<L, I> {
    log: L,
    index: I,
    /// Bytes that the log has taken.
    offset: u64,
    /// Encoded records that the index file has not taken yet.
    records: Vec<u8>,
    held: VecDeque<Chunk>,
    held_bytes: usize,
    hold_limit: usize,
    /// What was dropped in front of the first held chunk.
    gap: Option<Gap>,
    /// What the disk answered last.
    errno: u16,
}

struct Chunk {
    stream: Stream,
    stamp: Stamp,
    bytes: Box<[u8]>,
}

struct Gap {
    since: Stamp,
    bytes: u64,
}

impl<L: Write, I: Write> SegmentWriter<L, I> {
    pub(crate) fn new(log: L, index: I) -> Self {
        Self::with_hold(log, index, HOLD_BYTES)
    }

    /// Holds at most so many bytes while the disk refuses.
    fn with_hold(log: L, index: I, hold_limit: usize) -> Self {
        Self {
            log,
            index,
            offset: 0,
            records: index::header().to_vec(),
            held: VecDeque::new(),
            held_bytes: 0,
            hold_limit,
            gap: None,
            errno: 0,
        }
    }

    /// Takes a chunk, whatever the disk does.
    pub(crate) fn accept(&mut self, stream: Stream, stamp: Stamp, bytes: &[u8]) {
        let written = if self.flush() { self.write(stream, stamp, bytes) } else { 0 };
        if written < bytes.len() {
            self.hold(Chunk { stream, stamp, bytes: bytes[written..].into() });
        }
    }

    /// Writes what is held; `true` when nothing waits any more.
    pub(crate) fn flush(&mut self) -> bool {
        while self.write_records() {
            if let Some(gap) = self.gap.take() {
                self.record_gap(&gap);
                continue;
            }
            let Some(mut chunk) = self.held.pop_front() else {
                return true;
            };
            self.held_bytes -= chunk.bytes.len() + CHUNK_COST;
            let written = self.write(chunk.stream, chunk.stamp, &chunk.bytes);
            if written < chunk.bytes.len() {
                chunk.bytes = chunk.bytes[written..].into();
                self.held_bytes += chunk.bytes.len() + CHUNK_COST;
                self.held.push_front(chunk);
                return false;
            }
        }
        false
    }

    /// Nobody will try again: what is held becomes a gap, which the index may still take.
    pub(crate) fn give_up(&mut self) {
        while let Some(lost) = self.held.pop_front() {
            self.lose(&lost);
        }
        self.flush();
    }

    /// Writes what the log takes and returns how much that was. The part written gets its own record: to a
    /// reader, chunks are only pieces of a stream.
    fn write(&mut self, stream: Stream, stamp: Stamp, bytes: &[u8]) -> usize {
        let (written, refused) = write_some(&mut self.log, bytes);
        if let Some(error) = refused {
            self.refused(&error);
        }
        if written > 0 {
            let length = u32::try_from(written).expect("a chunk is one read of at most 256 KiB");
            let record = Record { offset: self.offset, length, stream, errno: 0, stamp };
            self.offset += u64::from(length);
            self.records.extend(record.encode());
            self.write_records();
        }
        written
    }

    /// `true` when the index is complete.
    fn write_records(&mut self) -> bool {
        if self.records.is_empty() {
            return true;
        }
        let (written, refused) = write_some(&mut self.index, &self.records);
        self.records.drain(..written);
        if let Some(error) = refused {
            self.refused(&error);
        }
        self.records.is_empty()
    }

    fn record_gap(&mut self, gap: &Gap) {
        let mut left = gap.bytes;
        while left > 0 {
            let length = u32::try_from(left).unwrap_or(u32::MAX);
            let record = Record {
                offset: self.offset,
                length,
                stream: Stream::Gap,
                errno: self.errno,
                stamp: gap.since,
            };
            self.records.extend(record.encode());
            left -= u64::from(length);
        }
    }

    /// The newest lines tell most about a failure, so the oldest go.
    fn hold(&mut self, chunk: Chunk) {
        self.held_bytes += chunk.bytes.len() + CHUNK_COST;
        self.held.push_back(chunk);
        while self.held_bytes > self.hold_limit {
            let Some(lost) = self.held.pop_front() else { return };
            self.lose(&lost);
        }
    }

    fn lose(&mut self, lost: &Chunk) {
        self.held_bytes -= lost.bytes.len() + CHUNK_COST;
        let gap = self.gap.get_or_insert(Gap { since: lost.stamp, bytes: 0 });
        gap.bytes += lost.bytes.len() as u64;
    }

    fn refused(&mut self, error: &io::Error) {
        self.errno = error.raw_os_error().and_then(|errno| u16::try_from(errno).ok()).unwrap_or(0);
    }
}

/// How much was taken, and why not all.
fn write_some(to: &mut impl Write, bytes: &[u8]) -> (usize, Option<io::Error>) {
    let mut written = 0;
    while written < bytes.len() {
        match to.write(&bytes[written..]) {
            Ok(0) => return (written, Some(io::ErrorKind::WriteZero.into())),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Some(error)),
        }
    }
    (written, None)
}

/// A file that is created again at the next write if that failed at first: a disk that refuses to create it
/// is no different from one that refuses a write.
pub(crate) struct LazyFile {
    path: PathBuf,
    file: Option<File>,
}

impl LazyFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        let mut file = Self { path, file: None };
        // The first write meets the same failure, and is held.
        let _ = file.open();
        file
    }

    fn open(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            if let Some(parent) = self.path.parent() {
                DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
            }
            let file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
            self.file = Some(file);
        }
        Ok(self.file.as_mut().expect("set above"))
    }
}

impl Write for LazyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::super::index::RECORD_SIZE;
    use super::*;

    /// ENOSPC.
    const FULL: i32 = 28;

    /// A disk with room for so many bytes.
    #[derive(Clone, Default)]
    struct Disk(Rc<RefCell<(Vec<u8>, usize)>>);

    impl Disk {
        fn with_room(bytes: usize) -> Self {
            Self(Rc::new(RefCell::new((Vec::new(), bytes))))
        }

        fn make_room(&self, bytes: usize) {
            self.0.borrow_mut().1 += bytes;
        }

        fn bytes(&self) -> Vec<u8> {
            self.0.borrow().0.clone()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (written, room) = &mut *self.0.borrow_mut();
            let taken = bytes.len().min(*room);
            if taken == 0 {
                return Err(io::Error::from_raw_os_error(FULL));
            }
            *room -= taken;
            written.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn at(time: u64) -> Stamp {
        Stamp { wall_ns: time, mono_ns: time }
    }

    /// What a reader would find: chunks with their time, gaps with their length and errno.
    fn content(log: &Disk, index: &Disk) -> Vec<(Stream, u64, String)> {
        let (log, index) = (log.bytes(), index.bytes());
        let (records, torn) = index[RECORD_SIZE..].as_chunks::<RECORD_SIZE>();
        assert!(torn.is_empty());
        let show = |record: Record| {
            let from = usize::try_from(record.offset).unwrap();
            let text = match record.stream {
                Stream::Gap => format!("{} lost, errno {}", record.length, record.errno),
                Stream::Stdout | Stream::Stderr => {
                    String::from_utf8(log[from..from + record.length as usize].to_vec()).unwrap()
                }
            };
            (record.stream, record.stamp.wall_ns, text)
        };
        records.iter().map(|record| show(Record::decode(record).unwrap())).collect()
    }

    fn owned(expected: &[(Stream, u64, &str)]) -> Vec<(Stream, u64, String)> {
        expected.iter().map(|(stream, time, text)| (*stream, *time, (*text).to_owned())).collect()
    }

    #[test]
    fn what_a_full_log_refuses_is_written_when_there_is_room_again() {
        let (log, index) = (Disk::with_room(3), Disk::with_room(usize::MAX / 2));
        let mut writer = SegmentWriter::new(log.clone(), index.clone());
        writer.accept(Stream::Stdout, at(1), b"hello");
        writer.accept(Stream::Stderr, at(2), b"world");
        assert!(!writer.flush(), "the disk is full");
        assert_eq!(content(&log, &index), owned(&[(Stream::Stdout, 1, "hel")]));
        log.make_room(100);
        assert!(writer.flush());
        let expected = [(Stream::Stdout, 1, "hel"), (Stream::Stdout, 1, "lo"), (Stream::Stderr, 2, "world")];
        assert_eq!(content(&log, &index), owned(&expected));
    }

    #[test]
    fn a_full_index_holds_the_log_back_and_no_record_is_torn() {
        let (log, index) = (Disk::with_room(100), Disk::with_room(RECORD_SIZE + 5));
        let mut writer = SegmentWriter::new(log.clone(), index.clone());
        writer.accept(Stream::Stdout, at(1), b"one");
        writer.accept(Stream::Stdout, at(2), b"two");
        assert_eq!(log.bytes(), b"one", "the next chunk waits for the index");
        index.make_room(1000);
        assert!(writer.flush());
        assert_eq!(content(&log, &index), owned(&[(Stream::Stdout, 1, "one"), (Stream::Stdout, 2, "two")]));
    }

    #[test]
    fn beyond_the_hold_the_oldest_is_dropped_and_counted() {
        let (log, index) = (Disk::with_room(0), Disk::with_room(0));
        let limit = 2 * (4 + CHUNK_COST);
        let mut writer = SegmentWriter::with_hold(log.clone(), index.clone(), limit);
        for (time, word) in (1..).zip(["aaaa", "bbbb", "cccc", "dddd"]) {
            writer.accept(Stream::Stdout, at(time), word.as_bytes());
        }
        log.make_room(100);
        index.make_room(1000);
        writer.accept(Stream::Stdout, at(5), b"eeee");
        let expected = [
            (Stream::Gap, 1, "8 lost, errno 28"),
            (Stream::Stdout, 3, "cccc"),
            (Stream::Stdout, 4, "dddd"),
            (Stream::Stdout, 5, "eeee"),
        ];
        assert_eq!(content(&log, &index), owned(&expected));
    }

    #[test]
    fn what_is_held_at_the_end_is_counted() {
        let (log, index) = (Disk::with_room(0), Disk::with_room(1000));
        let mut writer = SegmentWriter::new(log.clone(), index.clone());
        writer.accept(Stream::Stdout, at(1), b"lost");
        writer.accept(Stream::Stderr, at(2), b"too");
        writer.give_up();
        assert_eq!(content(&log, &index), owned(&[(Stream::Gap, 1, "7 lost, errno 28")]));
    }

    #[test]
    fn memory_is_bounded_also_for_many_tiny_chunks() {
        let mut writer = SegmentWriter::with_hold(Disk::with_room(0), Disk::with_room(0), 10_000);
        for time in 0..1_000 {
            writer.accept(Stream::Stdout, at(time), b"x");
        }
        assert!(writer.held.len() * CHUNK_COST <= 10_000, "{}", writer.held.len());
        assert_eq!(writer.gap.map(|gap| gap.bytes), Some(1_000 - writer.held.len() as u64));
    }

    #[test]
    fn a_file_that_could_not_be_created_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let (blocker, path) = (dir.path().join("logs"), dir.path().join("logs").join("chat.1.log"));
        std::fs::write(&blocker, b"not a directory").unwrap();
        let mut file = LazyFile::new(path.clone());
        file.write(b"x").unwrap_err();
        std::fs::remove_file(&blocker).unwrap();
        assert_eq!(file.write(b"x").unwrap(), 1);
        assert_eq!(std::fs::read(path).unwrap(), b"x");
    }
}
