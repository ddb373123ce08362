//! Cuts chunks into lines: pure.

use super::index::{Record, Stamp, Stream};

/// A longer line is cut here, so that a unit that never ends one costs no more memory than this.
const LONGEST_LINE: usize = 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) stream: Stream,
    /// When its first byte was read.
    pub(crate) stamp: Stamp,
    /// Without its end; what is not UTF-8 is replaced.
    pub(crate) text: String,
}

/// The lines that have begun and not ended, one per stream.
#[derive(Debug, Default)]
pub(crate) struct Cutter {
    stdout: Partial,
    stderr: Partial,
}

#[derive(Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    since: Stamp,
    /// Reading began in the middle of a line, which is not ours to show.
    skipping: bool,
}

impl Cutter {
    /// The next chunk of the stream continues a line whose beginning is not read.
    pub(crate) fn skip_to_next_line(&mut self, stream: Stream) {
        match stream {
            Stream::Stdout => self.stdout.skipping = true,
            Stream::Stderr => self.stderr.skipping = true,
            Stream::Gap => {}
        }
    }

    /// Takes the chunk of `record` and adds the lines that end in it.
    pub(crate) fn push(&mut self, record: &Record, chunk: &[u8], lines: &mut impl Extend<Line>) {
        match record.stream {
            Stream::Stdout => self.stdout.push(record, chunk, lines),
            Stream::Stderr => self.stderr.push(record, chunk, lines),
            Stream::Gap => {
                self.finish(lines);
                lines.extend([Line { stream: Stream::Gap, stamp: record.stamp, text: lost(record) }]);
            }
        }
    }

    /// Adds what has begun and will not be continued.
    pub(crate) fn finish(&mut self, lines: &mut impl Extend<Line>) {
        self.stdout.end(Stream::Stdout, lines);
        self.stderr.end(Stream::Stderr, lines);
    }
}

impl Partial {
    fn push(&mut self, record: &Record, chunk: &[u8], lines: &mut impl Extend<Line>) {
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.append(record, &rest[..end], lines);
            self.complete(record, lines);
            rest = &rest[end + 1..];
        }
        self.append(record, rest, lines);
    }

    fn append(&mut self, record: &Record, bytes: &[u8], lines: &mut impl Extend<Line>) {
        if self.skipping || bytes.is_empty() {
            return;
        }
        if self.bytes.is_empty() {
            self.since = record.stamp;
        }
        let mut rest = bytes;
        while self.bytes.len() + rest.len() > LONGEST_LINE {
            let (now, later) = rest.split_at(LONGEST_LINE - self.bytes.len());
            self.bytes.extend_from_slice(now);
            self.end(record.stream, lines);
            self.since = record.stamp;
            rest = later;
        }
        self.bytes.extend_from_slice(rest);
    }

    /// The line's end was read.
    fn complete(&mut self, record: &Record, lines: &mut impl Extend<Line>) {
        if self.skipping {
            self.skipping = false;
        } else if self.bytes.is_empty() {
            lines.extend([Line { stream: record.stream, stamp: record.stamp, text: String::new() }]);
        } else {
            self.end(record.stream, lines);
        }
    }

    fn end(&mut self, stream: Stream, lines: &mut impl Extend<Line>) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = self.bytes.strip_suffix(b"\r").unwrap_or(&self.bytes);
        let text = String::from_utf8_lossy(bytes).into_owned();
        lines.extend([Line { stream, stamp: self.since, text }]);
        self.bytes.clear();
    }
}

/// `1234 bytes lost: No space left on device`.
fn lost(record: &Record) -> String {
    let mut text = format!("{} bytes lost", record.length);
    if record.errno != 0 {
        let error = std::io::Error::from_raw_os_error(i32::from(record.errno)).to_string();
        text.push_str(": ");
        // The number says nothing that the words do not.
        text.push_str(error.split(" (os error").next().unwrap_or(&error));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(stream: Stream, time: u64) -> Record {
        Record { offset: 0, length: 0, stream, errno: 0, stamp: Stamp { wall_ns: time, mono_ns: time } }
    }

    fn cut(chunks: &[(Stream, &[u8])]) -> Vec<(Stream, u64, String)> {
        let mut cutter = Cutter::default();
        let mut lines = Vec::new();
        for (time, (stream, chunk)) in (1..).zip(chunks) {
            cutter.push(&record(*stream, time), chunk, &mut lines);
        }
        cutter.finish(&mut lines);
        lines.into_iter().map(|line| (line.stream, line.stamp.wall_ns, line.text)).collect()
    }

    #[test]
    fn a_line_has_the_time_of_its_first_byte_and_streams_do_not_mix() {
        let lines = cut(&[
            (Stream::Stdout, b"one\ntw"),
            (Stream::Stderr, b"oops\n"),
            (Stream::Stdout, b"o\r\n\nend"),
        ]);
        let expected = [
            (Stream::Stdout, 1, "one"),
            (Stream::Stderr, 2, "oops"),
            (Stream::Stdout, 1, "two"),
            (Stream::Stdout, 3, ""),
            (Stream::Stdout, 3, "end"),
        ];
        assert_eq!(lines, expected.map(|(stream, time, text)| (stream, time, text.to_owned())));
    }

    #[test]
    fn what_is_not_utf_8_is_replaced_also_when_a_character_is_split() {
        let split = "도".as_bytes().split_at(1);
        let lines = cut(&[(Stream::Stdout, split.0), (Stream::Stdout, split.1), (Stream::Stdout, b"\xff\n")]);
        assert_eq!(lines, [(Stream::Stdout, 1, "도\u{fffd}".to_owned())]);
    }

    #[test]
    fn a_start_in_the_middle_shows_no_half_line() {
        let mut cutter = Cutter::default();
        let mut lines = Vec::new();
        cutter.skip_to_next_line(Stream::Stdout);
        cutter.push(&record(Stream::Stdout, 1), b"half", &mut lines);
        cutter.push(&record(Stream::Stdout, 2), b" of it\nwhole\n", &mut lines);
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["whole"]);
    }

    #[test]
    fn a_gap_ends_what_had_begun_and_says_what_was_lost() {
        let mut cutter = Cutter::default();
        let mut lines = Vec::new();
        cutter.push(&record(Stream::Stdout, 1), b"begun", &mut lines);
        let gap = Record { length: 1234, errno: 28, ..record(Stream::Gap, 2) };
        cutter.push(&gap, b"", &mut lines);
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["begun", "1234 bytes lost: No space left on device"]);
    }

    #[test]
    fn an_endless_line_is_cut() {
        let lines = cut(&[(Stream::Stdout, &vec![b'x'; LONGEST_LINE * 2 + 1])]);
        let lengths: Vec<usize> = lines.iter().map(|(_, _, text)| text.len()).collect();
        assert_eq!(lengths, [LONGEST_LINE, LONGEST_LINE, 1]);
    }

    proptest! {
        #[test]
        fn any_chunking_of_the_same_bytes_yields_the_same_lines(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
            cuts in prop::collection::vec(0_usize..200, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|pair| (Stream::Stdout, &bytes[pair[0]..pair[1]])).collect();
            let texts = |chunks: &[(Stream, &[u8])]| cut(chunks).into_iter().map(|line| line.2).collect::<Vec<_>>();
            prop_assert_eq!(texts(&chunks), texts(&[(Stream::Stdout, &bytes)]));
        }
    }
}
