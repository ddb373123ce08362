//! What a step expects.

use regex::Regex;

use super::document::{Entry, Node, Value};
use super::fields::{Fields, expected, flag, list, mapping, text};
use super::mistake::Mistake;
use super::scope::{Scope, Spot};
use super::step::{header_name, json_pointer, unknown};
use crate::smoke::check::{Check, JsonRule, JsonType, TextRule};

const TEXT_RULES: &[&str] = &["equals", "not_equals", "matches", "exists", "absent"];
const JSON_RULES: &[&str] = &["equals", "not_equals", "matches", "exists", "absent", "type", "length"];

pub(super) fn checks(node: Node, scope: &Scope) -> Result<Vec<Check>, Mistake> {
    let mut fields = Fields::of(node, "`expect`", &["status", "headers", "json", "body_contains"])?;
    let mut checks = vec![Check::Status(statuses(fields.required("status")?)?)];
    if let Some(node) = fields.optional("headers") {
        for entry in mapping(node, "`headers`")? {
            header(entry, scope, &mut checks)?;
        }
    }
    if let Some(node) = fields.optional("json") {
        for entry in mapping(node, "`json`")? {
            json(entry, scope, &mut checks)?;
        }
    }
    if let Some(node) = fields.optional("body_contains") {
        let texts = if matches!(node.value, Value::List(_)) { list(node, "texts")? } else { vec![node] };
        for node in texts {
            checks.push(Check::BodyContains(scope.template(&node, "`body_contains`", Spot::Step)?));
        }
    }
    Ok(checks)
}

fn statuses(node: Node) -> Result<Vec<u16>, Mistake> {
    match node.value {
        Value::List(_) => list(node, "statuses")?.iter().map(status).collect(),
        _ => Ok(vec![status(&node)?]),
    }
}

fn status(node: &Node) -> Result<u16, Mistake> {
    let number = match &node.value {
        Value::Number(number) => number.as_u64(),
        _ => None,
    };
    number
        .and_then(|number| u16::try_from(number).ok())
        .filter(|number| (100..600).contains(number))
        .ok_or_else(|| Mistake::new(node.place, "expected a status from 100 to 599"))
}

fn header(entry: Entry, scope: &Scope, checks: &mut Vec<Check>) -> Result<(), Mistake> {
    let name = header_name(&entry.key, entry.place)?;
    if !matches!(entry.node.value, Value::Map(_)) {
        let equals = TextRule::Equals(scope.template(&entry.node, "a header", Spot::Step)?);
        checks.push(Check::Header(name, equals));
        return Ok(());
    }
    for rule in rules(entry.node)? {
        let value = |rule: &Entry| scope.template(&rule.node, "the rule", Spot::Step);
        let parsed = match rule.key.as_str() {
            "equals" => TextRule::Equals(value(&rule)?),
            "not_equals" => TextRule::NotEquals(value(&rule)?),
            "matches" => TextRule::Matches(pattern(&rule.node)?),
            "exists" => presence(&rule.node, TextRule::Exists, TextRule::Absent)?,
            "absent" => presence(&rule.node, TextRule::Absent, TextRule::Exists)?,
            other => return Err(unknown(other, "the rules for a header", rule.place, TEXT_RULES)),
        };
        checks.push(Check::Header(name.clone(), parsed));
    }
    Ok(())
}

fn json(entry: Entry, scope: &Scope, checks: &mut Vec<Check>) -> Result<(), Mistake> {
    let pointer = json_pointer(&entry.key, entry.place)?;
    if !matches!(entry.node.value, Value::Map(_)) {
        checks.push(Check::Json(pointer, JsonRule::Equals(scope.json(entry.node, Spot::Step)?)));
        return Ok(());
    }
    for rule in rules(entry.node)? {
        let parsed = match rule.key.as_str() {
            "equals" => JsonRule::Equals(scope.json(rule.node, Spot::Step)?),
            "not_equals" => JsonRule::NotEquals(scope.json(rule.node, Spot::Step)?),
            "matches" => JsonRule::Matches(pattern(&rule.node)?),
            "exists" => presence(&rule.node, JsonRule::Exists, JsonRule::Absent)?,
            "absent" => presence(&rule.node, JsonRule::Absent, JsonRule::Exists)?,
            "type" => JsonRule::Type(json_type(&rule.node)?),
            "length" => JsonRule::Length(length(&rule.node)?),
            other => return Err(unknown(other, "the rules for a value", rule.place, JSON_RULES)),
        };
        checks.push(Check::Json(pointer.clone(), parsed));
    }
    Ok(())
}

/// At least one: an empty mapping would look like a check and be none.
fn rules(node: Node) -> Result<Vec<Entry>, Mistake> {
    let place = node.place;
    let rules = mapping(node, "rules")?;
    if rules.is_empty() { Err(Mistake::new(place, "the mapping holds no rule")) } else { Ok(rules) }
}

fn pattern(node: &Node) -> Result<Regex, Mistake> {
    let text = text(node, "a pattern")?;
    Regex::new(&text).map_err(|error| {
        // The library draws the pattern over several lines and gives the reason in the last.
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Mistake::new(node.place, format!("`{text}` is not a pattern: {reason}"))
    })
}

/// `exists: false` is what `absent: true` says.
fn presence<T>(node: &Node, yes: T, no: T) -> Result<T, Mistake> {
    Ok(if flag(node, "the rule")? { yes } else { no })
}

fn json_type(node: &Node) -> Result<JsonType, Mistake> {
    // A bare `null` is a word here, not an absent value.
    let word = if matches!(node.value, Value::Null) { "null".to_owned() } else { text(node, "a type")? };
    JsonType::parse(&word).ok_or_else(|| {
        let known = JsonType::ALL.map(JsonType::as_str);
        Mistake::new(node.place, format!("`{word}` is not a type"))
            .help(Some(format!("known here: {}", known.join(", "))))
    })
}

fn length(node: &Node) -> Result<usize, Mistake> {
    match &node.value {
        Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        _ => None,
    }
    .ok_or_else(|| expected(node, "a whole number"))
}
