//! The last lines of a unit, found from the end.

use std::collections::VecDeque;
use std::io;

use super::read::SegmentReader;
use super::reader::{Entry, From, Unfinished, UnitReader};
use super::segment::Segment;

/// Records looked at first; four times as many each time that they hold too few matching lines.
const FIRST_WINDOW: u64 = 32;

/// The last `count` lines that `keep` accepts, and a reader that goes on behind them.
pub(crate) fn tail(
    unit: &str,
    segments: &[Segment],
    from: From,
    count: usize,
    unfinished: Unfinished,
    keep: impl Fn(&Entry) -> bool,
) -> io::Result<(VecDeque<Entry>, UnitReader)> {
    let spans = spans(segments, from)?;
    let total: u64 = spans.iter().map(|span| span.end - span.start).sum();
    let mut window = FIRST_WINDOW;
    loop {
        let mut reader = UnitReader::starting(unit, last_records(&spans, window), unfinished);
        let found = last_matching(&mut reader, count, &keep)?;
        if found.len() >= count || window >= total {
            return Ok((found, reader));
        }
        window *= 4;
    }
}

/// The records of a segment that are in question.
struct Span {
    segment: Segment,
    start: u64,
    end: u64,
}

fn spans(segments: &[Segment], from: From) -> io::Result<Vec<Span>> {
    let mut spans = Vec::new();
    for segment in segments {
        let Some(reader) = SegmentReader::open(segment.clone(), 0)? else {
            continue;
        };
        let end = reader.len()?;
        let start = match from {
            From::Beginning => 0,
            From::Time(wall_ns) => reader.first_since(wall_ns)?.min(end),
            From::End => end,
        };
        spans.push(Span { segment: segment.clone(), start, end });
    }
    Ok(spans)
}

/// Where to start so that the last `window` records are read.
fn last_records(spans: &[Span], window: u64) -> Vec<(Segment, u64)> {
    let mut left = window;
    let mut starts = Vec::new();
    for span in spans.iter().rev() {
        let taken = left.min(span.end - span.start);
        starts.push((span.segment.clone(), span.end - taken));
        left -= taken;
        if left == 0 {
            break;
        }
    }
    starts.reverse();
    starts
}

fn last_matching(
    reader: &mut UnitReader,
    count: usize,
    keep: impl Fn(&Entry) -> bool,
) -> io::Result<VecDeque<Entry>> {
    let mut found = VecDeque::new();
    while let Some(entry) = reader.next_line()? {
        if keep(&entry) {
            found.push_back(entry);
        }
        if found.len() > count {
            found.pop_front();
        }
    }
    Ok(found)
}
