//! What a step may expect of a response.

use regex::Regex;
use reqwest::header::HeaderName;

use super::template::{JsonTemplate, Template};

#[derive(Debug, Clone)]
pub(crate) enum Check {
    /// Any of these.
    Status(Vec<u16>),
    Header(HeaderName, TextRule),
    /// A JSON pointer into the body.
    Json(String, JsonRule),
    BodyContains(Template),
}

/// About a header's text.
#[derive(Debug, Clone)]
pub(crate) enum TextRule {
    Equals(Template),
    NotEquals(Template),
    Matches(Regex),
    Exists,
    Absent,
}

/// About a value in a JSON body.
#[derive(Debug, Clone)]
pub(crate) enum JsonRule {
    Equals(JsonTemplate),
    NotEquals(JsonTemplate),
    /// The value is a text and matches.
    Matches(Regex),
    /// The value is there, even when it is null.
    Exists,
    Absent,
    Type(JsonType),
    /// Characters of a text, items of a list, keys of an object.
    Length(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonType {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl JsonType {
    pub(crate) const ALL: [Self; 6] =
        [Self::Null, Self::Boolean, Self::Number, Self::String, Self::Array, Self::Object];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    pub(crate) fn of(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(_) => Self::Boolean,
            serde_json::Value::Number(_) => Self::Number,
            serde_json::Value::String(_) => Self::String,
            serde_json::Value::Array(_) => Self::Array,
            serde_json::Value::Object(_) => Self::Object,
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
