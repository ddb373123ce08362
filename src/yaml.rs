//! YAML text into a tree whose every value knows where it is written: the only module that knows the library.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{Error, Location, MessageFormatter as _, Spanned, UserMessageFormatter};

/// Where something is written, counted from 1 in lines and characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    pub line: usize,
    pub column: usize,
    /// In characters.
    pub width: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub value: Value,
    /// For an alias, where the anchor stands: that is the line to mend.
    pub spot: Spot,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// With the text as its author wrote it: a version `1.10` must not become `1.1`.
    Number(Number, String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub key: String,
    /// Of the key.
    pub spot: Spot,
    pub node: Node,
}

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub message: String,
    pub help: Option<&'static str>,
    pub spot: Spot,
}

/// Parses one document. More than `most` values are refused, which stops an alias bomb long before memory is full.
///
/// # Errors
/// For text that is not YAML, a key that is set twice, or a second document.
pub(crate) fn parse(text: &str, most: usize) -> Result<Node, Fault> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_nodes: most },
    };
    match serde_saphyr::from_str_with_options::<Spanned<Tree>>(text, options) {
        Ok(tree) => Ok(node(text, tree)),
        Err(error) => {
            let (message, help) = describe(&error, most);
            Err(Fault { message, help, spot: spot(error.location().unwrap_or(Location::UNKNOWN)) })
        }
    }
}

fn describe(error: &Error, most: usize) -> (String, Option<&'static str>) {
    match error {
        Error::AliasError { error, .. } => describe(error, most),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            (format!("key `{key}` is already set above in the same mapping"), Some("keep one of the two"))
        }
        Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. } => (
            format!("the document expands to more than {most} values"),
            Some("an alias (`*name`) repeats everything below its anchor: use fewer of them"),
        ),
        Error::MultipleDocuments { .. } => {
            ("a second YAML document starts here".to_owned(), Some("a file is one document: remove `---`"))
        }
        other => (format!("invalid YAML: {}", UserMessageFormatter.format_message(other)), None),
    }
}

fn spot(location: Location) -> Spot {
    Spot {
        line: as_usize(location.line()),
        column: as_usize(location.column()),
        width: as_usize(location.span().len()),
    }
}

fn as_usize(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn node(text: &str, tree: Spanned<Tree>) -> Node {
    let location = tree.defined;
    let value = match tree.value {
        Tree::Null => Value::Null,
        Tree::Bool(value) => Value::Bool(value),
        Tree::Number(value) => {
            let written = written(text, location).unwrap_or_else(|| value.to_string());
            Value::Number(value, written)
        }
        Tree::Text(value) => Value::Text(value),
        Tree::List(items) => Value::List(items.into_iter().map(|item| node(text, item)).collect()),
        Tree::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    key: key.value,
                    spot: spot(key.referenced),
                    node: node(text, value),
                })
                .collect(),
        ),
    };
    Node { value, spot: spot(location) }
}

fn written(text: &str, location: Location) -> Option<String> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    text.get(start..start.checked_add(length)?).filter(|found| !found.is_empty()).map(str::to_owned)
}

/// What serde sees, before texts and places are cut out of the source.
enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<String>, Spanned<Tree>)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Tree, E> {
        Number::from_f64(value).map(Tree::Number).ok_or_else(|| E::custom("JSON has no such number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }
}
