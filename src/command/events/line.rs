//! One event as a line for people.

use std::fmt::Write as _;

use contract::event::CloudEvent;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use uuid::Uuid;

use super::filter;
use crate::command::cell::day_and_time;
use crate::command::logs::style_of_unit;

/// What every type begins with.
const OURS: &str = "com.dorandoran.";
/// Keys whose values are words of a closed set.
const WORDS: [&str; 5] = ["kind", "reason", "role", "state", "status"];
/// Stands for a value that is not shown.
const HIDDEN: &str = "…";

/// How events look. Colour codes are always written; the printer strips them when nobody wants them.
pub(super) struct Lines {
    /// Width of the longest name of a service.
    width: usize,
    zone: TimeZone,
}

impl Lines {
    pub(super) fn new<'a>(services: impl Iterator<Item = &'a str>) -> Self {
        Self { width: services.map(str::len).max().unwrap_or_default(), zone: TimeZone::system() }
    }

    /// Time, service, position, type, subject, sequence and what of the data may be shown.
    pub(super) fn render(&self, service: &str, event: &CloudEvent) -> String {
        let style = style_of_unit(service);
        let mut line = format!(
            "{} {style}{service:<width$} |{style:#} #{} {} {} seq={}",
            day_and_time(filter::time(event), &self.zone),
            event.position,
            short(&event.kind),
            event.subject,
            event.sequence,
            width = self.width,
        );
        for (key, value) in event.data.as_object().into_iter().flatten() {
            // Writing to a string does not fail.
            if !repeats(value, event) {
                let _ = write!(line, " {key}={}", shown(key, value));
            }
        }
        line
    }
}

pub(super) fn short(kind: &str) -> &str {
    kind.strip_prefix(OURS).unwrap_or(kind)
}

/// The subject's own id is in the line already.
fn repeats(value: &Value, event: &CloudEvent) -> bool {
    value.as_str().is_some_and(|text| text.parse() == Ok(event.subject))
}

/// Terminals are shared and recorded: addresses, names and texts stay out of them, and `--json` has it all.
fn shown(key: &str, value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) if is_harmless(key, text) => text.clone(),
        Value::String(_) | Value::Array(_) | Value::Object(_) => HIDDEN.to_owned(),
    }
}

fn is_harmless(key: &str, text: &str) -> bool {
    let is_word = || text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    text.parse::<Uuid>().is_ok() || text.parse::<Timestamp>().is_ok() || (WORDS.contains(&key) && is_word())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::command::events::filter::tests::event;

    fn line(data: Value) -> String {
        let lines = Lines { zone: TimeZone::UTC, ..Lines::new(["auth", "store"].into_iter()) };
        let mut event = event("com.dorandoran.user.created.v1", "2026-11-22T03:04:05.678901Z", 42);
        event.data = data;
        anstream::adapter::strip_str(&lines.render("user", &event)).to_string()
    }

    #[test]
    fn a_line_says_when_who_where_what_of_whom() {
        assert_eq!(
            line(json!({ "id": "01931f0e-7c5a-7000-8000-0123456789ac", "version": 1, "role": "ROLE_USER" })),
            "2026-11-22 03:04:05.678 user  | #42 user.created.v1 01931f0e-7c5a-7000-8000-0123456789ac seq=1 \
             role=ROLE_USER version=1"
        );
    }

    #[test]
    fn people_and_what_they_write_are_not_shown() {
        let data = json!({
            "email": "minji@dorandoran.dev", "name": "MINJI", "text": "비밀", "status": "see me at home",
            "tags": ["a"], "info": { "phone": "010" }, "picture": null, "on": true,
            "sid": "01931f0e-7c5a-7000-8000-0123456789ad", "at": "2026-11-22T03:04:05Z",
        });
        let line = line(data);
        assert!(
            line.ends_with(
                "seq=1 at=2026-11-22T03:04:05Z email=… info=… name=… on=true picture=null \
                 sid=01931f0e-7c5a-7000-8000-0123456789ad status=… tags=… text=…"
            ),
            "{line}"
        );
    }

    #[test]
    fn data_that_is_no_object_is_not_shown_at_all() {
        assert!(line(json!("minji@dorandoran.dev")).ends_with("seq=1"));
    }

    #[test]
    fn a_strange_type_is_shown_whole() {
        assert_eq!(short("org.example.thing"), "org.example.thing");
    }
}
