//! A scenario file's text into a tree whose every value knows its place.

use serde_json::Number;

use super::mistake::{Mistake, Place};
use crate::yaml::{self, Spot};

/// A large suite has a few thousand values. The limit stops an alias bomb long before memory is full.
const MOST_NODES: usize = 50_000;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub value: Value,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub key: String,
    /// Of the key.
    pub place: Place,
    pub node: Node,
}

impl Node {
    /// What the value is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// Parses one document.
pub(super) fn read(text: &str) -> Result<Node, Mistake> {
    yaml::parse(text, MOST_NODES).map(node).map_err(|fault| Mistake::new(place(fault.spot), fault.message))
}

fn place(spot: Spot) -> Place {
    Place::new(spot.line, spot.column)
}

fn node(tree: yaml::Node) -> Node {
    let value = match tree.value {
        yaml::Value::Null => Value::Null,
        yaml::Value::Bool(value) => Value::Bool(value),
        yaml::Value::Number(value, _) => Value::Number(value),
        yaml::Value::Text(value) => Value::Text(value),
        yaml::Value::List(items) => Value::List(items.into_iter().map(node).collect()),
        yaml::Value::Map(entries) => Value::Map(entries.into_iter().map(entry).collect()),
    };
    Node { value, place: place(tree.spot) }
}

fn entry(entry: yaml::Entry) -> Entry {
    Entry { key: entry.key, place: place(entry.spot), node: node(entry.node) }
}
