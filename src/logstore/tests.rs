//! Writing and reading together, through real files.

use std::path::Path;

use proptest::prelude::*;

use super::index::{Stamp, Stream};
use super::last_lines;
use super::reader::{Entry, From, Unfinished, UnitReader};
use super::segment::{Segment, of_unit};
use super::tail::tail;
use super::write::{LazyFile, SegmentWriter};
use crate::layout::Layout;

type Writer = SegmentWriter<LazyFile, LazyFile>;

fn writer(logs: &Path, run: u64) -> Writer {
    let segment = Segment::new(logs, "chat", run);
    SegmentWriter::new(LazyFile::new(segment.log), LazyFile::new(segment.index))
}

fn say(writer: &mut Writer, time: u64, text: &str) {
    writer.accept(Stream::Stdout, Stamp { wall_ns: time, mono_ns: time }, text.as_bytes());
}

fn reader(logs: &Path, from: From, unfinished: Unfinished) -> UnitReader {
    UnitReader::new("chat", &of_unit(logs, "chat").unwrap(), from, unfinished).unwrap()
}

fn texts(reader: &mut UnitReader) -> Vec<String> {
    std::iter::from_fn(|| reader.next_line().unwrap()).map(|entry| entry.line.text).collect()
}

fn last(logs: &Path, count: usize, keep: impl Fn(&Entry) -> bool) -> Vec<String> {
    let segments = of_unit(logs, "chat").unwrap();
    let (found, _) = tail("chat", &segments, From::Beginning, count, Unfinished::Shown, keep).unwrap();
    found.into_iter().map(|entry| entry.line.text).collect()
}

#[test]
fn a_follower_goes_on_where_it_stopped_and_into_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = writer(dir.path(), 1);
    say(&mut first, 1, "one\ntw");
    let mut reader = reader(dir.path(), From::Beginning, Unfinished::Awaited);
    assert_eq!(texts(&mut reader), ["one"], "an unfinished line waits");
    say(&mut first, 2, "o\nlast words");
    assert_eq!(texts(&mut reader), ["two"]);
    say(&mut writer(dir.path(), 2), 3, "again\n");
    reader.offer(&of_unit(dir.path(), "chat").unwrap());
    assert_eq!(texts(&mut reader), ["last words", "again"], "the next run ends what the first had begun");
}

#[test]
fn a_silent_run_that_begins_to_speak_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let mut silent = writer(dir.path(), 1);
    assert!(silent.flush(), "only the index exists");
    let mut reader = reader(dir.path(), From::Beginning, Unfinished::Awaited);
    assert_eq!(texts(&mut reader), [""; 0]);
    say(&mut silent, 1, "at last\n");
    assert_eq!(texts(&mut reader), ["at last"]);
}

#[test]
fn from_the_end_only_what_comes_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = writer(dir.path(), 1);
    say(&mut run, 1, "old\nbegun before");
    let mut reader = reader(dir.path(), From::End, Unfinished::Awaited);
    assert_eq!(texts(&mut reader), [""; 0]);
    say(&mut run, 2, " the end\nnew\n");
    assert_eq!(texts(&mut reader), ["new"], "no half line");
}

#[test]
fn since_starts_at_the_first_line_that_began_then_in_any_run() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = writer(dir.path(), 1);
    for time in 1..=100 {
        say(&mut first, time, &format!("{time}\n"));
    }
    say(&mut writer(dir.path(), 2), 200, "200\n");
    let since = |time| texts(&mut reader(dir.path(), From::Time(time), Unfinished::Shown));
    assert_eq!(since(99), ["99", "100", "200"]);
    assert_eq!(since(101), ["200"]);
    assert_eq!(since(201), [""; 0]);
}

#[test]
fn the_last_matching_lines_are_found_across_runs() {
    let dir = tempfile::tempdir().unwrap();
    for run in 1..=3 {
        let mut writer = writer(dir.path(), run);
        for line in 0..200 {
            say(&mut writer, run * 1_000 + line, &format!("{run}/{line}\n"));
        }
        say(&mut writer, run * 1_000 + 999, "unfinished");
    }
    assert_eq!(last(dir.path(), 2, |_| true), ["3/199", "unfinished"]);
    assert_eq!(
        last(dir.path(), 4, |entry| entry.line.text.ends_with("/7")),
        ["1/7", "2/7", "3/7"],
        "all there are"
    );
    assert_eq!(last(dir.path(), 0, |_| true), [""; 0]);
}

#[test]
fn last_words_are_of_the_newest_run_and_readable() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(dir.path(), "default", Path::new("/tmp"));
    say(&mut writer(&layout.logs(), 1), 1, "long ago\n");
    say(&mut writer(&layout.logs(), 2), 2, "{\"level\":\"ERROR\",\"message\":\"no port\"}\npanic");
    assert_eq!(last_lines(&layout, "chat", 5), ["ERROR no port", "panic"]);
    assert_eq!(last_lines(&layout, "nobody", 5), [""; 0]);
}

#[test]
fn an_index_of_another_format_is_an_error_that_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let segment = Segment::new(dir.path(), "chat", 1);
    std::fs::write(&segment.index, [7; 64]).unwrap();
    let mut reader = reader(dir.path(), From::Beginning, Unfinished::Shown);
    let error = reader.next_line().unwrap_err().to_string();
    assert!(error.contains("chat.1.idx"), "{error}");
}

proptest! {
    #[test]
    fn the_tail_is_the_end_of_everything(
        chunks in prop::collection::vec("[ab\n]{0,6}", 0..120), count in 0_usize..40,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut run = writer(dir.path(), 1);
        for (time, chunk) in (1..).zip(&chunks) {
            say(&mut run, time, chunk);
        }
        run.flush();
        let all = texts(&mut reader(dir.path(), From::Beginning, Unfinished::Shown));
        prop_assert_eq!(last(dir.path(), count, |_| true), &all[all.len().saturating_sub(count)..]);
    }
}
