//! Keys set from outside the stack file: `DORAN__SERVICES__CHAT__PORT=9083`, in the environment or in `.env`.
//!
//! Two underscores separate the parts of a key, because names have single ones; letters are lower-cased, except
//! the name of a variable below `env`. A dash in a service's name is written as one underscore.

use super::diagnostic::Diagnostic;
use super::node::{Entry, Kind, Node, Value};
use super::place::Place;
use super::yaml;

pub(super) const PREFIX: &str = "DORAN__";

/// One variable. The place covers the whole of `name`.
pub(super) struct Assignment<'a> {
    pub name: &'a str,
    pub value: &'a str,
    pub name_place: Place,
    pub value_place: Place,
}

/// The variable as a layer that sets one key. `lower` is what it will be laid over: it knows the names that
/// have a dash.
pub(super) fn layer(assignment: &Assignment<'_>, lower: &Node) -> Result<Node, Diagnostic> {
    let mut keys = split(assignment)?;
    restore_dashes(&mut keys, lower);
    let leaf = value(assignment)?;
    Ok(keys.into_iter().rev().fold(leaf, |node, (key, place)| {
        let whole = node.place.clone();
        Node::new(Value::Map(vec![Entry { key, place, node }]), whole)
    }))
}

fn split(assignment: &Assignment<'_>) -> Result<Vec<(String, Place)>, Diagnostic> {
    let name = assignment.name.strip_prefix(PREFIX).unwrap_or(assignment.name);
    let mut keys: Vec<(String, Place)> = Vec::new();
    let mut rest = Some(name);
    let mut column = assignment.name_place.column + PREFIX.len();
    while let Some(text) = rest {
        let verbatim = names_a_variable(&keys);
        let (part, after) = match text.split_once("__") {
            Some((part, after)) if !verbatim => (part, Some(after)),
            _ => (text, None),
        };
        if part.is_empty() {
            return Err(Diagnostic::new(format!("`{}` has an empty part", assignment.name))
                .at(&assignment.name_place, "")
                .help("write the parts of a key with two underscores between: DORAN__SERVICES__CHAT__PORT"));
        }
        let key = if verbatim { part.to_owned() } else { part.to_ascii_lowercase() };
        let width = part.chars().count();
        let place = Place { column, width, ..assignment.name_place.clone() };
        keys.push((key, place));
        column += width + "__".len();
        rest = after;
    }
    Ok(keys)
}

/// `services.<name>.env.` is followed by a variable's name, whose case and underscores are its own.
fn names_a_variable(keys: &[(String, Place)]) -> bool {
    keys.len() == 3 && keys[0].0 == "services" && keys[2].0 == "env"
}

fn restore_dashes(keys: &mut [(String, Place)], lower: &Node) {
    let mut at = Some(lower);
    for (key, _) in keys {
        let known = at.and_then(|node| {
            node.get(key).or_else(|| node.entries().iter().find(|entry| entry.key.replace('-', "_") == *key))
        });
        if let Some(entry) = known {
            key.clone_from(&entry.key);
        }
        at = known.map(|entry| &entry.node);
    }
}

/// Lists and mappings are written in YAML's flow style; anything else is the text itself.
fn value(assignment: &Assignment<'_>) -> Result<Node, Diagnostic> {
    let Assignment { value, value_place, .. } = assignment;
    if value.starts_with(['[', '{']) {
        return yaml::parse(value, &|line, column, width| Place {
            line: value_place.line + line.saturating_sub(1),
            column: if line <= 1 { value_place.column + column.saturating_sub(1) } else { column.max(1) },
            width: width.max(1),
            source: value_place.source.clone(),
        });
    }
    Ok(Node::new(Value::Scalar(Kind::Untyped, (*value).to_owned()), value_place.clone()))
}
