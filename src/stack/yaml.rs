//! A layer's text into the tree of the stack, with places of its source.

use super::diagnostic::Diagnostic;
use super::node::{Entry, Kind, Node, Value};
use super::place::Place;
use crate::yaml::{self, Spot};

/// Our stack has about 300 nodes. The limit stops an alias bomb after 20 ms instead of filling memory.
const MOST_NODES: usize = 20_000;

/// Parses one document. `place` turns line, column and width of the text into a place of its source.
pub(super) fn parse(text: &str, place: &dyn Fn(usize, usize, usize) -> Place) -> Result<Node, Diagnostic> {
    let placed = |spot: Spot| place(spot.line, spot.column, spot.width);
    match yaml::parse(text, MOST_NODES) {
        Ok(tree) => Ok(node(tree, &placed)),
        Err(fault) => {
            let diagnostic = Diagnostic::new(fault.message);
            let diagnostic = match fault.help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            };
            Err(diagnostic.at(&placed(fault.spot), ""))
        }
    }
}

fn node(tree: yaml::Node, place: &dyn Fn(Spot) -> Place) -> Node {
    let value = match tree.value {
        yaml::Value::Null => Value::Null,
        yaml::Value::Bool(value) => Value::Scalar(Kind::Bool, value.to_string()),
        yaml::Value::Number(_, written) => Value::Scalar(Kind::Number, written),
        yaml::Value::Text(value) => Value::Scalar(Kind::Text, value),
        yaml::Value::List(items) => Value::List(items.into_iter().map(|item| node(item, place)).collect()),
        yaml::Value::Map(entries) => {
            Value::Map(entries.into_iter().map(|entry| self::entry(entry, place)).collect())
        }
    };
    Node::new(value, place(tree.spot))
}

fn entry(entry: yaml::Entry, place: &dyn Fn(Spot) -> Place) -> Entry {
    Entry { key: entry.key, place: place(entry.spot), node: node(entry.node, place) }
}
