//! Takes a mapping apart key by key; whatever is left over at the end is a mistake.

use super::document::{Entry, Node, Value};
use super::mistake::{Mistake, Place};
use crate::stack::suggestion;

/// The entries of a mapping that nobody has asked for yet.
pub(super) struct Fields {
    /// What the mapping is, for messages: "a step".
    what: &'static str,
    place: Place,
    known: &'static [&'static str],
    entries: Vec<Entry>,
}

impl Fields {
    /// # Errors
    /// When the node is no mapping, or has a key that is not among `known`.
    pub(crate) fn of(
        node: Node,
        what: &'static str,
        known: &'static [&'static str],
    ) -> Result<Self, Mistake> {
        let place = node.place;
        let entries = mapping(node, what)?;
        for entry in &entries {
            if !known.contains(&entry.key.as_str()) {
                let message = format!("unknown key `{}` in {what}", entry.key);
                return Err(
                    Mistake::new(entry.place, message).help(suggestion(&entry.key, known.iter().copied()))
                );
            }
        }
        Ok(Self { what, place, known, entries })
    }

    pub(crate) fn optional(&mut self, key: &str) -> Option<Node> {
        debug_assert!(self.known.contains(&key), "`{key}` is asked for but not known in {}", self.what);
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.swap_remove(index).node)
    }

    /// # Errors
    /// When the key is missing.
    pub(crate) fn required(&mut self, key: &str) -> Result<Node, Mistake> {
        let missing = || Mistake::new(self.place, format!("`{key}` is missing in {}", self.what));
        let missing = missing();
        self.optional(key).ok_or(missing)
    }
}

/// # Errors
/// When the node is no mapping.
pub(super) fn mapping(node: Node, what: &str) -> Result<Vec<Entry>, Mistake> {
    match node.value {
        Value::Map(entries) => Ok(entries),
        _ => Err(expected(&node, &format!("a mapping for {what}"))),
    }
}

/// # Errors
/// When the node is no list, or an empty one: an empty list tests nothing.
pub(super) fn list(node: Node, what: &str) -> Result<Vec<Node>, Mistake> {
    match node.value {
        Value::List(items) if !items.is_empty() => Ok(items),
        Value::List(_) => Err(Mistake::new(node.place, format!("the list of {what} is empty"))),
        _ => Err(expected(&node, &format!("a list of {what}"))),
    }
}

/// # Errors
/// When the node is no text.
pub(super) fn text(node: &Node, what: &str) -> Result<String, Mistake> {
    match &node.value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(expected(node, &format!("a text for {what}"))),
    }
}

/// # Errors
/// When the node is not `true` or `false`.
pub(super) fn flag(node: &Node, what: &str) -> Result<bool, Mistake> {
    match node.value {
        Value::Bool(value) => Ok(value),
        _ => Err(expected(node, &format!("true or false for {what}"))),
    }
}

pub(super) fn expected(node: &Node, what: &str) -> Mistake {
    Mistake::new(node.place, format!("expected {what}, found {}", node.kind()))
}
