//! What a span is called, and what it says. Cheap to make: what is put together, is so when it is exported.

use std::sync::Arc;

/// Two words, e.g. `GET` and the route. Of few different ones: never with an id in it.
#[derive(Debug, Clone)]
pub struct Name {
    verb: &'static str,
    object: Option<Value>,
}

impl Name {
    pub const fn of(verb: &'static str) -> Self {
        Self { verb, object: None }
    }

    pub fn with(verb: &'static str, object: impl Into<Value>) -> Self {
        Self { verb, object: Some(object.into()) }
    }

    pub(super) fn text(&self) -> String {
        match &self.object {
            None => self.verb.to_owned(),
            Some(object) => format!("{} {}", self.verb, object.text()),
        }
    }
}

impl From<&'static str> for Name {
    fn from(verb: &'static str) -> Self {
        Self::of(verb)
    }
}

/// Of an attribute.
#[derive(Debug, Clone)]
pub enum Value {
    Fixed(&'static str),
    Shared(Arc<str>),
    Text(Box<str>),
    Number(i64),
}

impl Value {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Fixed(text) => (*text).to_owned(),
            Self::Shared(text) => (**text).to_owned(),
            Self::Text(text) => (**text).to_owned(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Fixed(text)
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}
