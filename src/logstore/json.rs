//! Reads a JSON log line without building what nobody looks at: a long log is parsed line by line.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::event::Level;

/// The line of a service.
#[derive(Debug)]
pub(super) struct JsonLine {
    pub level: Level,
    pub message: String,
    /// In the order in which they were written.
    pub fields: Vec<(String, Value)>,
}

/// `None` when it is not an object with a level that we know.
pub(super) fn parse(text: &str) -> Option<JsonLine> {
    if !text.starts_with('{') {
        return None;
    }
    serde_json::from_str(text).ok()
}

impl<'de> Deserialize<'de> for JsonLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LineVisitor)
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = JsonLine;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log line")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonLine, A::Error> {
        let (mut level, mut message, mut within, mut fields) = (None, None, None, Vec::new());
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "level" => {
                    let Text(word) = map.next_value()?;
                    level = Some(word.parse::<Level>().map_err(A::Error::custom)?);
                }
                "message" => message = Some(plain(map.next_value()?)),
                "fields" => {
                    let Fields { message, others } = map.next_value()?;
                    within = message;
                    fields.extend(others);
                }
                // What the log store knows better, or what is the same in every line of a unit.
                "timestamp" | "time" | "target" | "service" | "instance" | "span" | "spans" | "spanId" => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => fields.push((key.into_owned(), map.next_value()?)),
            }
        }
        let level = level.ok_or_else(|| A::Error::missing_field("level"))?;
        Ok(JsonLine { level, message: message.or(within).unwrap_or_default(), fields })
    }
}

/// The object of the same name; the message may stand there.
struct Fields {
    message: Option<String>,
    others: Vec<(String, Value)>,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields of a log line")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields { message: None, others: Vec::new() };
        while let Some((Text(key), value)) = map.next_entry::<Text<'de>, Value>()? {
            if key == "message" {
                fields.message = Some(plain(value));
            } else {
                fields.others.push((key.into_owned(), value));
            }
        }
        Ok(fields)
    }
}

/// A string that is copied only when it holds escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
