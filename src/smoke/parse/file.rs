//! A file, its scenarios, and what is set before their first step.

use super::document::{self, Node, Value};
use super::fields::{Fields, expected, flag, list, mapping, text};
use super::mistake::{Mistake, ScenarioError};
use super::scope::{Scope, Spot};
use super::step::{self, Scopes};
use crate::smoke::scenario::{ForEach, Scenario, ScenarioFile, Secrecy, Values, Variable};

/// Reads a scenario file.
///
/// # Errors
/// With the first mistake in it, and its place.
pub(crate) fn parse(name: &str, text: &str) -> Result<ScenarioFile, ScenarioError> {
    match document::read(text).and_then(scenarios) {
        Ok(scenarios) => Ok(ScenarioFile { name: name.to_owned(), scenarios }),
        Err(mistake) => Err(mistake.in_file(name)),
    }
}

fn scenarios(root: Node) -> Result<Vec<Scenario>, Mistake> {
    let mut fields = Fields::of(root, "a scenario file", &["scenarios"])?;
    list(fields.required("scenarios")?, "scenarios")?.into_iter().map(scenario).collect()
}

fn scenario(node: Node) -> Result<Scenario, Mistake> {
    let mut fields = Fields::of(node, "a scenario", &["name", "for_each", "variables", "steps"])?;
    let mut scope = Scope::default();
    let for_each = fields.optional("for_each").map(|node| for_each(node, &mut scope)).transpose()?;
    // Names of scenarios and steps are never redacted, so they may only use what stands in the file.
    let fixed = scope.clone();
    let name = fixed.template(&fields.required("name")?, "the name", Spot::Step)?;
    let variables = match fields.optional("variables") {
        Some(node) => variables(node, &mut scope)?,
        None => Vec::new(),
    };
    let mut scopes = Scopes { fixed, all: scope };
    let steps = list(fields.required("steps")?, "steps")?
        .into_iter()
        .map(|node| step::step(node, &mut scopes))
        .collect::<Result<_, _>>()?;
    Ok(Scenario { name, for_each, variables, steps })
}

fn for_each(node: Node, scope: &mut Scope) -> Result<ForEach, Mistake> {
    let place = node.place;
    let mut entries = mapping(node, "`for_each`")?;
    let (Some(entry), true) = (entries.pop(), entries.is_empty()) else {
        return Err(Mistake::new(place, "`for_each` takes exactly one name"));
    };
    scope.set(&entry.key, entry.place)?;
    let values = match &entry.node.value {
        Value::Text(word) if word == "units" => Values::Units,
        Value::List(_) => {
            let items = list(entry.node, "values")?;
            Values::Listed(items.iter().map(|item| text(item, "a value")).collect::<Result<_, _>>()?)
        }
        _ => return Err(expected(&entry.node, "a list of texts, or the word `units`")),
    };
    Ok(ForEach { name: entry.key, values })
}

fn variables(node: Node, scope: &mut Scope) -> Result<Vec<Variable>, Mistake> {
    mapping(node, "`variables`")?
        .into_iter()
        .map(|entry| {
            let (value, secrecy) = variable(entry.node)?;
            let value = scope.json(value, Spot::Variable)?;
            scope.set(&entry.key, entry.place)?;
            Ok(Variable { name: entry.key, value, secrecy })
        })
        .collect()
}

/// A value, or a mapping `{value, secret}`.
fn variable(node: Node) -> Result<(Node, Secrecy), Mistake> {
    if !matches!(node.value, Value::Map(_)) {
        return Ok((node, Secrecy::Open));
    }
    let mut fields = Fields::of(node, "a variable", &["value", "secret"])?;
    Ok((fields.required("value")?, secrecy(&mut fields)?))
}

pub(super) fn secrecy(fields: &mut Fields) -> Result<Secrecy, Mistake> {
    let secret = fields.optional("secret").map(|node| flag(&node, "`secret`")).transpose()?;
    Ok(if secret == Some(true) { Secrecy::Secret } else { Secrecy::Open })
}
