//! From the untyped tree to the typed file format, collecting every mistake on the way.

use std::time::Duration;

use super::diagnostic::Diagnostic;
use super::duration;
use super::name::{nearest, suggestion};
use super::node::{Entry, Kind, Node, Value};
use super::place::At;

/// A type of the file format.
pub(super) trait Decode: Sized {
    /// `None` after reporting to `cx` what is wrong.
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self>;
}

/// Where the decoder is, and what it found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    path: Vec<String>,
    pub errors: Vec<Diagnostic>,
}

impl Decoder {
    /// The key, or element, that is being decoded; `the stack file` at the top.
    fn path(&self) -> String {
        let mut text = String::new();
        for part in &self.path {
            if !text.is_empty() && !part.starts_with('[') {
                text.push('.');
            }
            text.push_str(part);
        }
        text
    }

    pub(super) fn error(&mut self, node: &Node, problem: &str, help: Option<String>) {
        let path = self.path();
        let message = if path.is_empty() { problem.to_owned() } else { format!("{path}: {problem}") };
        self.errors.push(Diagnostic::new(message).at(&node.place, "").maybe_help(help));
    }

    fn expected<T>(&mut self, what: &str, node: &Node) -> Option<T> {
        let help = match (&node.value, what) {
            (Value::Scalar(Kind::Text, text), "a whole number" | "a port" | "true or false")
                if text.parse::<u64>().is_ok() || matches!(text.as_str(), "true" | "false") =>
            {
                Some("remove the quotes".to_owned())
            }
            (Value::Scalar(Kind::Text, text), "true or false") if yes_or_no(text) => {
                Some("YAML 1.2 has only true and false".to_owned())
            }
            (Value::Scalar(Kind::Number | Kind::Bool, text), "text") => {
                Some(format!("put it into quotes: \"{text}\""))
            }
            _ => None,
        };
        self.error(node, &format!("expected {what}, found {}", describe(node)), help);
        None
    }

    /// Checks that `node` is a mapping without unknown keys. An empty section is a mapping without keys.
    pub(super) fn section(&mut self, node: &Node, keys: &'static [&'static str]) -> Option<()> {
        let entries = self.entries(node)?;
        for entry in entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            let path = self.path();
            let place = if path.is_empty() { String::new() } else { format!(" in {path}") };
            let diagnostic =
                Diagnostic::new(format!("unknown key `{}`{place}", entry.key)).at(&entry.place, "");
            self.errors.push(diagnostic.maybe_help(suggestion(&entry.key, keys.iter().copied())));
        }
        Some(())
    }

    fn entries<'a>(&mut self, node: &'a Node) -> Option<&'a [Entry]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            Value::Null => Some(&[]),
            Value::Scalar(..) | Value::List(_) => self.expected("a mapping", node),
        }
    }

    pub(super) fn field<T: Decode>(&mut self, node: &Node, key: &str) -> Option<At<T>> {
        let entry = node.get(key)?;
        self.within(key.to_owned(), |cx| At::decode(&entry.node, cx))
    }

    fn within<T>(&mut self, part: String, decode: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(part);
        let result = decode(self);
        self.path.pop();
        result
    }
}

fn yes_or_no(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "yes" | "no" | "on" | "off" | "y" | "n")
}

fn describe(node: &Node) -> String {
    match &node.value {
        Value::Null => "nothing".to_owned(),
        Value::Scalar(Kind::Text, text) => format!("the text `{text}`"),
        Value::Scalar(Kind::Bool | Kind::Number | Kind::Untyped, text) => format!("`{text}`"),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
    }
}

impl<T: Decode> Decode for At<T> {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        T::decode(node, cx).map(|value| Self::new(value, node.place.clone()))
    }
}

impl Decode for String {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        match &node.value {
            Value::Scalar(Kind::Text | Kind::Untyped, text) if !text.is_empty() => Some(text.clone()),
            _ => cx.expected("text", node),
        }
    }
}

impl Decode for bool {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        match &node.value {
            Value::Scalar(Kind::Bool | Kind::Untyped, text) => match text.to_ascii_lowercase().as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => cx.expected("true or false", node),
            },
            _ => cx.expected("true or false", node),
        }
    }
}

impl Decode for u32 {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        match &node.value {
            Value::Scalar(Kind::Number | Kind::Untyped, text) => match text.parse() {
                Ok(number) => Some(number),
                Err(_) => cx.expected("a whole number", node),
            },
            _ => cx.expected("a whole number", node),
        }
    }
}

/// A TCP port; 0 would be a different one at each start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Port(pub u16);

impl Decode for Port {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        let Value::Scalar(Kind::Number | Kind::Untyped, text) = &node.value else {
            return cx.expected("a port", node);
        };
        match text.parse() {
            Ok(port @ 1..) => Some(Self(port)),
            _ => cx.expected("a port from 1 to 65535", node),
        }
    }
}

/// `18080-18179`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PortRange {
    pub first: u16,
    pub last: u16,
}

impl Decode for PortRange {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        let Value::Scalar(Kind::Text | Kind::Untyped, text) = &node.value else {
            return cx.expected("a range of ports like 18080-18179", node);
        };
        let bounds = text
            .split_once('-')
            .and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)));
        match bounds {
            Some((first @ 1.., last)) if first <= last => Some(Self { first, last }),
            Some(_) | None => cx.expected("a range of ports like 18080-18179", node),
        }
    }
}

/// A duration with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period(pub Duration);

impl Decode for Period {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        let Value::Scalar(Kind::Text | Kind::Untyped | Kind::Number, text) = &node.value else {
            return cx.expected("a duration like 500ms, 10s or 2m", node);
        };
        duration::parse(text).map(Self).map_err(|problem| cx.error(node, &problem, None)).ok()
    }
}

/// A value handed on as text: `5`, `1.10`, `true` and `no` arrive as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(pub String);

impl Decode for Text {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        match &node.value {
            Value::Scalar(_, text) => Some(Self(text.clone())),
            Value::Null | Value::List(_) | Value::Map(_) => cx.expected("a plain value", node),
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        match &node.value {
            Value::List(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(index, item)| cx.within(format!("[{index}]"), |cx| T::decode(item, cx)))
                    .collect(),
            ),
            Value::Null => Some(Self::new()),
            Value::Scalar(..) | Value::Map(_) => cx.expected("a list", node),
        }
    }
}

/// A mapping whose keys are names that the author chose, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table<T>(pub Vec<(At<String>, T)>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Decode> Decode for Table<T> {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        let mut rows = Vec::new();
        for entry in cx.entries(node)? {
            if let Some(value) = cx.within(entry.key.clone(), |cx| T::decode(&entry.node, cx)) {
                rows.push((At::new(entry.key.clone(), entry.place.clone()), value));
            }
        }
        Some(Self(rows))
    }
}

/// A closed set of words.
pub(super) trait Words: Copy + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

impl<T: Words> Decode for T {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        let words = T::WORDS.iter().map(|(word, _)| *word);
        let all = words.clone().collect::<Vec<_>>().join(", ");
        let Value::Scalar(Kind::Text | Kind::Untyped, text) = &node.value else {
            return cx.expected(&format!("one of: {all}"), node);
        };
        if let Some((_, value)) = T::WORDS.iter().find(|(word, _)| word == text) {
            return Some(*value);
        }
        let help = nearest(text, words).map(|near| format!("did you mean `{near}`?"));
        cx.error(node, &format!("`{text}` is not one of: {all}"), help);
        None
    }
}
