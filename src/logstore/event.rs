//! What a line says: its level, its message and its fields, whoever wrote it. Pure.
//!
//! Known forms: the JSON lines of our services (also with the message among the fields), PostgreSQL's
//! `LOG:`, `ERROR:` … after its prefix, and Redis's marks. Anything else is a message without a level.

use std::fmt::Write as _;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;

use super::index::Stream;
use super::json::{self, JsonLine};
use super::line::Line;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) level: Option<Level>,
    pub(crate) message: String,
    /// In the order in which they are shown.
    pub(crate) fields: Vec<(String, Value)>,
    /// The line was JSON, so its message does not tell its level and time.
    pub(crate) structured: bool,
}

impl Event {
    pub(crate) fn parse(line: &Line) -> Self {
        if line.stream == Stream::Gap {
            let message = format!("… {} …", line.text);
            return Self { level: Some(Level::Warn), message, fields: Vec::new(), structured: false };
        }
        if let Some(JsonLine { level, message, fields }) = json::parse(&line.text) {
            return Self { level: Some(level), message, fields, structured: true };
        }
        Self {
            level: postgres(&line.text).or_else(|| redis(&line.text)),
            message: line.text.clone(),
            fields: Vec::new(),
            structured: false,
        }
    }

    /// A line without a level counts as an ordinary remark.
    pub(crate) fn is_at_least(&self, level: Level) -> bool {
        self.level.unwrap_or(Level::Info) >= level
    }

    /// On one line: `WARN message key=value`, or the line itself when it was not JSON.
    pub(crate) fn text(&self) -> String {
        match self.level.filter(|_| self.structured) {
            Some(level) => format!("{:<5} {}", level.as_str(), self.body()),
            None => self.body(),
        }
    }

    /// The message and the fields.
    pub(crate) fn body(&self) -> String {
        let mut text = self.message.clone();
        for (name, value) in &self.fields {
            let separator = if text.is_empty() { "" } else { " " };
            // Writing to a string does not fail.
            let _ = match value {
                Value::String(value) if is_plain(value) => write!(text, "{separator}{name}={value}"),
                other => write!(text, "{separator}{name}={other}"),
            };
        }
        text
    }
}

impl Level {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// A word that is no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no level: use trace, debug, info, warn or error")]
pub(crate) struct NoLevel(String);

impl FromStr for Level {
    type Err = NoLevel;

    fn from_str(word: &str) -> Result<Self, NoLevel> {
        match word.to_ascii_lowercase().as_str() {
            "trace" => Ok(Self::Trace),
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" | "warning" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            _ => Err(NoLevel(word.to_owned())),
        }
    }
}

/// Needs no quotes to be told from what follows.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && !value.contains(|c: char| c.is_whitespace() || c == '"' || c == '=' || c.is_control())
}

/// `2026-11-22 12:00:00.123 UTC [42] LOG:  …`; the prefix is configurable, the severity and its colon are not.
fn postgres(text: &str) -> Option<Level> {
    let (head, _) = text.split_once(":  ")?;
    match head.rsplit(' ').next()? {
        "LOG" | "NOTICE" | "INFO" => Some(Level::Info),
        "WARNING" => Some(Level::Warn),
        "ERROR" | "FATAL" | "PANIC" => Some(Level::Error),
        "DEBUG" | "DEBUG1" | "DEBUG2" | "DEBUG3" | "DEBUG4" | "DEBUG5" => Some(Level::Debug),
        _ => None,
    }
}

/// `42:M 22 Nov 2026 12:00:00.123 * …`: pid, role, date, time and a mark.
fn redis(text: &str) -> Option<Level> {
    let mut words = text.split(' ');
    let (pid, role) = words.next()?.split_once(':')?;
    let is_redis = !pid.is_empty()
        && pid.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(role, "M" | "S" | "C" | "X");
    match words.nth(4).filter(|_| is_redis)? {
        "." => Some(Level::Debug),
        "-" | "*" => Some(Level::Info),
        "#" => Some(Level::Warn),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::Stamp;
    use super::*;

    fn parse(text: &str) -> Event {
        Event::parse(&Line { stream: Stream::Stdout, stamp: Stamp::default(), text: text.to_owned() })
    }

    #[test]
    fn a_service_line_becomes_readable() {
        let line = r#"{"timestamp":"2026-11-22T12:00:01Z","level":"WARN","target":"chat::room","service":"chat",
            "message":"slow query","fields":{"duration_ms":812,"query":"room list","room":"r1"},"traceId":"4f1c"}"#;
        let event = parse(&line.replace('\n', ""));
        assert_eq!(
            event.text(),
            r#"WARN  slow query duration_ms=812 query="room list" room=r1 traceId=4f1c"#
        );
    }

    #[test]
    fn the_message_may_stand_among_the_fields() {
        let event = parse(r#"{"level":"info","target":"chat","fields":{"message":"ready","port":8083}}"#);
        assert_eq!(event.text(), "INFO  ready port=8083");
    }

    #[test]
    fn levels_are_recognised_whoever_writes() {
        let cases = [
            ("2026-11-22 12:00:00.123 UTC [42] LOG:  database system is ready", Some(Level::Info)),
            ("2026-11-22 12:00:00.123 UTC [42] FATAL:  role \"x\" does not exist", Some(Level::Error)),
            ("WARNING:  there is no transaction", Some(Level::Warn)),
            ("2026-11-22 12:00:00.123 UTC [42] DEBUG1:  checkpoint", Some(Level::Debug)),
            ("42:M 22 Nov 2026 12:00:00.123 * Ready to accept connections", Some(Level::Info)),
            ("42:M 22 Nov 2026 12:00:00.123 # Can't save", Some(Level::Warn)),
            (r#"{"level":"ERROR","message":"gone"}"#, Some(Level::Error)),
            ("plain words: nothing more", None),
            ("an ERROR in the middle", None),
            (r#"{"level":"loud","message":"not ours"}"#, None),
            ("{broken", None),
            ("", None),
        ];
        for (line, level) in cases {
            assert_eq!(parse(line).level, level, "{line}");
        }
    }

    #[test]
    fn a_line_without_a_level_counts_as_info() {
        let event = parse("hello");
        assert!(event.is_at_least(Level::Info) && !event.is_at_least(Level::Warn));
        assert_eq!(event.text(), "hello");
    }

    #[test]
    fn a_gap_is_shown_between_dots_and_passes_as_a_warning() {
        let line = Line { stream: Stream::Gap, stamp: Stamp::default(), text: "7 bytes lost".to_owned() };
        let event = Event::parse(&line);
        assert_eq!((event.level, event.text().as_str()), (Some(Level::Warn), "… 7 bytes lost …"));
    }

    #[test]
    fn a_misspelt_level_is_refused_with_the_choice() {
        assert_eq!("Warning".parse(), Ok(Level::Warn));
        let error = "loud".parse::<Level>().unwrap_err();
        assert_eq!(error.to_string(), "`loud` is no level: use trace, debug, info, warn or error");
    }
}
