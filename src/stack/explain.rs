//! Why a key has its value: which layer set it, where, and what that won over.

use serde::Serialize;
use serde_json::Value;

use super::load::Loaded;
use super::name::suggestion;
use super::node::Node;
use super::place::Place;
use super::view::{REDACTED, View, shown};

/// One key of the resolved stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explanation {
    pub key: String,
    /// As the stack runs with it, port offset included.
    pub value: Value,
    /// Who set it; `None` is the built-in default.
    pub origin: Option<Origin>,
    /// What that won over, the strongest first.
    pub losers: Vec<Origin>,
}

/// A value where it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Origin {
    pub layer: String,
    /// `file:line:column`, or the variable.
    pub place: String,
    pub written: String,
    /// The key it was written under, when that is another one (`defaults.…`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

/// Explains a key, or every key below a section.
///
/// # Errors
/// With a hint when the stack has no such key.
pub(crate) fn explain(loaded: &Loaded, key: &str) -> Result<Vec<Explanation>, Option<String>> {
    let resolved = serde_json::to_value(View::of(&loaded.stack)).map_err(|_| None)?;
    let mut leaves = Vec::new();
    flatten(&mut Vec::new(), &resolved, &mut leaves);
    let wanted: Vec<&str> = key.split('.').collect();
    let below = format!("{key}.");
    let chosen: Vec<_> =
        leaves.iter().filter(|leaf| leaf.key == key || leaf.key.starts_with(&below)).collect();
    if chosen.is_empty() {
        return Err(hint(key, &wanted, &leaves));
    }
    Ok(chosen.into_iter().map(|leaf| explanation(&loaded.provenance, leaf)).collect())
}

struct Leaf {
    key: String,
    path: Vec<String>,
    value: Value,
}

fn flatten(path: &mut Vec<String>, value: &Value, leaves: &mut Vec<Leaf>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                path.push(key.clone());
                flatten(path, value, leaves);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            leaves.push(Leaf { key: path.join("."), path: path.clone(), value: value.clone() });
        }
    }
}

fn explanation(provenance: &Node, leaf: &Leaf) -> Explanation {
    let own = lookup(provenance, &leaf.path).map(|node| (node, None));
    let default = || {
        let path = default_path(&leaf.path)?;
        lookup(provenance, &path).map(|node| (node, Some(path.join("."))))
    };
    let found = own.or_else(default);
    let secret = is_secret(&leaf.path);
    let written = |text: &str| {
        if secret { REDACTED.to_owned() } else { text.to_owned() }
    };
    let origin = |place: &Place, text: &str, via: &Option<String>| Origin {
        layer: place.layer().to_string(),
        place: place.to_string(),
        written: written(text),
        via: via.clone(),
    };
    Explanation {
        key: leaf.key.clone(),
        value: leaf.value.clone(),
        origin: found.as_ref().map(|(node, via)| origin(&node.place, &node.summary(), via)),
        losers: found
            .iter()
            .flat_map(|(node, via)| node.losers.iter().map(move |loser| (loser, via)))
            .map(|(loser, via)| origin(&loser.place, &loser.value, via))
            .collect(),
    }
}

fn lookup<'a>(node: &'a Node, path: &[String]) -> Option<&'a Node> {
    path.iter().try_fold(node, |node, key| node.get(key).map(|entry| &entry.node))
}

/// `services.chat.restart.backoff` may come from `defaults.restart.backoff`.
fn default_path(path: &[String]) -> Option<Vec<String>> {
    let [section, _, rest @ ..] = path else {
        return None;
    };
    (section == "services")
        .then(|| std::iter::once("defaults".to_owned()).chain(rest.iter().cloned()).collect())
}

fn is_secret(path: &[String]) -> bool {
    match path {
        [section, _, key, name] if section == "services" && key == "env" => shown(name, "") == REDACTED,
        _ => false,
    }
}

/// The nearest key at the first part of the path that is wrong.
fn hint(key: &str, wanted: &[&str], leaves: &[Leaf]) -> Option<String> {
    let known = (0..wanted.len()).rev().find(|length| {
        leaves.iter().any(|leaf| leaf.path.len() > *length && leaf.path[..*length] == wanted[..*length])
    })?;
    let mut next: Vec<&str> = leaves
        .iter()
        .filter(|leaf| leaf.path.len() > known && leaf.path[..known] == wanted[..known])
        .map(|leaf| leaf.path[known].as_str())
        .collect();
    next.dedup();
    let parent = wanted[..known].join(".");
    let hint = suggestion(wanted.get(known).copied().unwrap_or(key), next)?;
    Some(if parent.is_empty() { hint } else { format!("in {parent}: {hint}") })
}
