//! One line of a log as text, or as an object of `doran.log/1`.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::logstore::event::{Event, Level};
use crate::logstore::index::{Stamp, Stream};
use crate::logstore::reader::Entry;

const SCHEMA: &str = "doran.log/1";

/// How the lines look. Colour codes are always written; the printer strips them when nobody wants them.
#[derive(Debug, Clone)]
pub(crate) struct Renderer {
    pub(crate) format: Format,
    pub(crate) prefix: Prefix,
    pub(crate) times: Times,
    /// Width of the widest unit name so far.
    width: usize,
    zone: TimeZone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefix {
    Unit,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// The full time in front of every line.
    Full,
    /// The time of day within structured lines; others bring their own or have none.
    OfDay,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    unit: &'a str,
    run: u64,
    stream: Stream,
    time: String,
    level: Option<Level>,
    message: &'a str,
    /// The line as it was written; a gap was not.
    raw: Option<&'a str>,
}

impl Renderer {
    pub(crate) fn new(format: Format, prefix: Prefix, times: Times) -> Self {
        Self { format, prefix, times, width: 0, zone: TimeZone::system() }
    }

    /// Makes room for a unit's name.
    pub(crate) fn widen(&mut self, unit: &str) {
        self.width = self.width.max(unit.len());
    }

    /// Adds the line and its end.
    pub(crate) fn render(&mut self, entry: &Entry, event: &Event, to: &mut String) {
        match self.format {
            Format::Text => self.text(entry, event, to),
            Format::Json => json(entry, event, to),
        }
        to.push('\n');
    }

    fn text(&mut self, entry: &Entry, event: &Event, to: &mut String) {
        self.widen(&entry.unit);
        let time = time(entry.line.stamp);
        // Writing to a string does not fail.
        if self.times == Times::Full {
            let _ = write!(to, "{time:.3} ");
        }
        if self.prefix == Prefix::Unit {
            let style = style_of(&entry.unit);
            let width = self.width;
            let _ = write!(to, "{style}{:<width$} |{style:#} ", entry.unit);
        }
        if event.structured {
            if self.times == Times::OfDay {
                let _ = write!(to, "{} ", time.to_zoned(self.zone.clone()).strftime("%H:%M:%S"));
            }
            if let Some(level) = event.level {
                let style = style_of_level(level);
                let _ = write!(to, "{style}{:<5}{style:#} ", level.as_str());
            }
            to.push_str(&event.body());
        } else {
            let style =
                if entry.line.stream == Stream::Gap { style_of_level(Level::Warn) } else { Style::new() };
            let _ = write!(to, "{style}{}{style:#}", event.message);
        }
    }
}

fn json(entry: &Entry, event: &Event, to: &mut String) {
    let line = &entry.line;
    let document = Document {
        schema: SCHEMA,
        unit: &entry.unit,
        run: entry.run,
        stream: line.stream,
        time: format!("{:.6}", time(line.stamp)),
        level: event.level,
        message: &event.message,
        raw: (line.stream != Stream::Gap).then_some(line.text.as_str()),
    };
    to.push_str(&serde_json::to_string(&document).expect("strings and numbers"));
}

fn time(stamp: Stamp) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(stamp.wall_ns)).unwrap_or_default()
}

/// From the name alone, so that a unit has the same colour every day. Red and yellow mean something else.
pub(crate) fn style_of(unit: &str) -> Style {
    const COLORS: [AnsiColor; 8] = [
        AnsiColor::Cyan,
        AnsiColor::Green,
        AnsiColor::Magenta,
        AnsiColor::Blue,
        AnsiColor::BrightCyan,
        AnsiColor::BrightGreen,
        AnsiColor::BrightMagenta,
        AnsiColor::BrightBlue,
    ];
    // FNV-1a, which will not change under us.
    let hash =
        unit.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    COLORS[hash as usize % COLORS.len()].on_default()
}

fn style_of_level(level: Level) -> Style {
    match level {
        Level::Trace | Level::Debug => Style::new().dimmed(),
        Level::Info => Style::new(),
        Level::Warn => AnsiColor::Yellow.on_default(),
        Level::Error => AnsiColor::Red.on_default().bold(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logstore::line::Line;

    fn entry(unit: &str, stream: Stream, text: &str) -> Entry {
        let stamp = Stamp { wall_ns: 1_795_348_801_123_456_789, mono_ns: 0 };
        Entry { unit: unit.into(), run: 3, line: Line { stream, stamp, text: text.to_owned() } }
    }

    fn render(renderer: &mut Renderer, entry: &Entry) -> String {
        renderer.zone = TimeZone::UTC;
        let mut text = String::new();
        renderer.render(entry, &Event::parse(&entry.line), &mut text);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn names_are_padded_and_structured_lines_become_readable() {
        let mut text = Renderer::new(Format::Text, Prefix::Unit, Times::OfDay);
        text.widen("gateway");
        let json = r#"{"level":"INFO","message":"posted","fields":{"duration_ms":7}}"#;
        assert_eq!(
            render(&mut text, &entry("chat", Stream::Stdout, json)),
            "chat    | 12:00:01 INFO  posted duration_ms=7\n"
        );
        assert_eq!(render(&mut text, &entry("chat", Stream::Stderr, "oops")), "chat    | oops\n");
        assert_eq!(
            render(&mut text, &entry("chat", Stream::Gap, "7 bytes lost")),
            "chat    | … 7 bytes lost …\n"
        );
    }

    #[test]
    fn timestamps_stand_in_front_and_the_prefix_can_go() {
        let mut text = Renderer::new(Format::Text, Prefix::None, Times::Full);
        assert_eq!(render(&mut text, &entry("chat", Stream::Stdout, "hi")), "2026-11-22T12:00:01.123Z hi\n");
    }

    #[test]
    fn the_object_keeps_the_raw_line() {
        let mut json = Renderer::new(Format::Json, Prefix::Unit, Times::OfDay);
        let raw = r#"{"level":"WARN","message":"slow"}"#;
        let value: serde_json::Value =
            serde_json::from_str(&render(&mut json, &entry("chat", Stream::Stderr, raw))).unwrap();
        let expected = serde_json::json!({
            "schema": "doran.log/1", "unit": "chat", "run": 3, "stream": "stderr",
            "time": "2026-11-22T12:00:01.123456Z", "level": "warn", "message": "slow", "raw": raw,
        });
        assert_eq!(value, expected);
        let gap: serde_json::Value =
            serde_json::from_str(&render(&mut json, &entry("chat", Stream::Gap, "7 bytes lost"))).unwrap();
        assert_eq!((&gap["stream"], &gap["raw"]), (&"gap".into(), &serde_json::Value::Null));
    }

    #[test]
    fn a_unit_keeps_its_colour() {
        assert_eq!(style_of("chat"), style_of("chat"));
        assert_ne!(style_of("chat"), style_of("gateway"));
    }
}
