//! Holds checks and captures against a response.

use reqwest::header::HeaderName;
use serde_json::Value;

use super::check::{Check, JsonRule, JsonType, TextRule};
use super::response::Response;
use super::scenario::{Capture, Origin};
use super::template::{Quoting, Variables};

/// A check that does not hold. Raw: only `report.rs` makes it fit to be shown.
#[derive(Clone, PartialEq)]
pub(crate) struct Mismatch {
    pub subject: Subject,
    pub expected: Said,
    pub actual: Said,
}

/// What a check looks at.
#[derive(Clone, PartialEq)]
pub(crate) enum Subject {
    Status,
    Header(HeaderName),
    Json(String),
    Body,
    /// The capture of this name, from there.
    Capture(String, Origin),
}

#[derive(Clone, PartialEq)]
pub(crate) enum Said {
    /// Our own words, which hold no value.
    Words(String),
    Text(String),
    Json(Value),
}

impl Said {
    fn words(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }
}

/// The checks that do not hold, in their order.
pub(crate) fn evaluate(checks: &[Check], variables: &Variables, response: &Response) -> Vec<Mismatch> {
    let body = response.json();
    checks.iter().filter_map(|check| one(check, variables, response, body.as_ref())).collect()
}

fn one(check: &Check, variables: &Variables, response: &Response, body: Option<&Value>) -> Option<Mismatch> {
    let (subject, (expected, actual)) = match check {
        Check::Status(any) => (Subject::Status, status(any, response.status)?),
        Check::Header(name, rule) => {
            (Subject::Header(name.clone()), text(rule, variables, response.header(name).as_deref())?)
        }
        Check::Json(pointer, rule) => (Subject::Json(pointer.clone()), json(pointer, rule, variables, body)?),
        Check::BodyContains(template) => {
            let needle = template.fill(variables, Quoting::AsIs);
            if response.body.contains(&needle) {
                return None;
            }
            (Subject::Body, (Said::Text(needle), Said::words("it does not contain that")))
        }
    };
    Some(Mismatch { subject, expected, actual })
}

fn status(any: &[u16], actual: u16) -> Option<(Said, Said)> {
    if any.contains(&actual) {
        return None;
    }
    let expected: Vec<String> = any.iter().map(u16::to_string).collect();
    Some((Said::words(expected.join(" or ")), Said::words(actual.to_string())))
}

fn text(rule: &TextRule, variables: &Variables, actual: Option<&str>) -> Option<(Said, Said)> {
    let found = || actual.map_or(Said::words("absent"), |text| Said::Text(text.to_owned()));
    match rule {
        TextRule::Equals(template) => {
            let expected = template.fill(variables, Quoting::AsIs);
            (actual != Some(expected.as_str())).then(|| (Said::Text(expected), found()))
        }
        TextRule::NotEquals(template) => {
            let unwanted = template.fill(variables, Quoting::AsIs);
            let differs = actual.is_some_and(|text| text != unwanted);
            (!differs).then(|| (Said::words("another value than before"), found()))
        }
        TextRule::Matches(regex) => {
            let matches = actual.is_some_and(|text| regex.is_match(text));
            (!matches).then(|| (Said::words(format!("a match of {regex}")), found()))
        }
        TextRule::Exists => actual.is_none().then(|| (Said::words("present"), Said::words("absent"))),
        TextRule::Absent => actual.is_some().then(|| (Said::words("absent"), found())),
    }
}

fn json(pointer: &str, rule: &JsonRule, variables: &Variables, body: Option<&Value>) -> Option<(Said, Said)> {
    let Some(body) = body else {
        return Some((expectation(rule, variables), Said::words("the body is not JSON")));
    };
    let actual = body.pointer(pointer);
    let holds = match (rule, actual) {
        (JsonRule::Equals(template), Some(value)) => same(&template.fill(variables), value),
        (JsonRule::NotEquals(template), Some(value)) => !same(&template.fill(variables), value),
        (JsonRule::Matches(regex), Some(Value::String(text))) => regex.is_match(text),
        (JsonRule::Type(kind), Some(value)) => JsonType::of(value) == *kind,
        (JsonRule::Length(length), Some(value)) => length_of(value) == Some(*length),
        (JsonRule::Exists, value) => value.is_some(),
        (JsonRule::Absent, value) => value.is_none(),
        (JsonRule::Matches(_), Some(_)) | (_, None) => false,
    };
    if holds {
        return None;
    }
    let found = actual.map_or(Said::words("absent"), |value| Said::Json(value.clone()));
    Some((expectation(rule, variables), found))
}

fn expectation(rule: &JsonRule, variables: &Variables) -> Said {
    match rule {
        JsonRule::Equals(template) => Said::Json(template.fill(variables)),
        JsonRule::NotEquals(_) => Said::words("another value than before"),
        JsonRule::Matches(regex) => Said::words(format!("a text that matches {regex}")),
        JsonRule::Exists => Said::words("present"),
        JsonRule::Absent => Said::words("absent"),
        JsonRule::Type(kind) => Said::words(format!("of type {}", kind.as_str())),
        JsonRule::Length(length) => Said::words(format!("of length {length}")),
    }
}

/// `1` and `1.0` are the same number.
fn same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

fn length_of(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(entries) => Some(entries.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The values that a step keeps, or why one is missing.
pub(crate) fn capture<'a>(
    captures: &'a [Capture],
    response: &Response,
) -> Result<Vec<(&'a Capture, Value)>, Box<Mismatch>> {
    let body = response.json();
    captures
        .iter()
        .map(|capture| {
            let value = match &capture.from {
                Origin::Json(pointer) => body.as_ref().and_then(|body| body.pointer(pointer)).cloned(),
                Origin::Header(name) => response.header(name).map(Value::String),
            };
            let value = value.ok_or_else(|| Box::new(missing(capture)))?;
            Ok((capture, value))
        })
        .collect()
}

fn missing(capture: &Capture) -> Mismatch {
    Mismatch {
        subject: Subject::Capture(capture.name.clone(), capture.from.clone()),
        expected: Said::words("present"),
        actual: Said::words("absent"),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::smoke::parse::parse;

    fn response() -> Response {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        headers.append("vary", "Origin".parse().unwrap());
        headers.append("vary", "Accept".parse().unwrap());
        let body = json!({
            "id": "u-1", "count": 2, "on": true, "none": null, "list": [1, 2], "한": "국어",
            "deep": { "a/b": 1 },
        });
        Response { status: 200, headers, body: body.to_string() }
    }

    /// What the expectation, as it would be written, finds wrong.
    fn wrong(expect: &str, response: &Response) -> Vec<String> {
        let text = format!(
            "scenarios: [{{ name: s, variables: {{ me: u-1, n: 2 }}, \
             steps: [{{ name: s, request: GET /, expect: {{ status: 200, {expect} }} }}] }}]"
        );
        let file = parse("x.yaml", &text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let variables = [("me", json!("u-1")), ("n", json!(2))];
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let said = |said: &Said| match said {
            Said::Words(text) | Said::Text(text) => text.clone(),
            Said::Json(value) => value.to_string(),
        };
        evaluate(&file.scenarios[0].steps[0].checks, &variables, response)
            .iter()
            .map(|mismatch| format!("{} / {}", said(&mismatch.expected), said(&mismatch.actual)))
            .collect()
    }

    #[test]
    fn checks_that_hold_find_nothing() {
        for expect in [
            "json: { /id: '${me}', /count: '${n}', /on: true, /none: null }",
            "json: { /id: { equals: u-1, not_equals: u-2, matches: '^u-', type: string, length: 3 } }",
            "json: { /none: { exists: true, type: null }, /gone: { absent: true }, /gone/deep: { exists: false } }",
            "json: { /list: { length: 2, equals: [1, 2.0] }, /deep: { length: 1 }, /deep/a~1b: 1, /list/1: 2 }",
            "json: { /한: { length: 2 }, '': { type: object } }",
            "headers: { Content-Type: application/json, vary: { matches: Accept, not_equals: Origin } }",
            "headers: { Content-Type: { exists: true }, X-Gone: { absent: true } }",
            "body_contains: ['${me}', 국어]",
        ] {
            assert_eq!(wrong(expect, &response()), [""; 0], "{expect}");
        }
    }

    #[test]
    fn checks_that_do_not_hold_say_what_was_there() {
        for (expect, expected) in [
            ("json: { /id: u-2 }", r#""u-2" / "u-1""#),
            ("json: { /count: '2' }", r#""2" / 2"#),
            ("json: { /count: { matches: '2' } }", "a text that matches 2 / 2"),
            ("json: { /id: { not_equals: '${me}' } }", r#"another value than before / "u-1""#),
            ("json: { /gone: { not_equals: 1 } }", "another value than before / absent"),
            ("json: { /gone: null }", "null / absent"),
            ("json: { /none: { absent: true } }", "absent / null"),
            ("json: { /list: { type: object } }", "of type object / [1,2]"),
            ("json: { /list: { length: 3 } }", "of length 3 / [1,2]"),
            ("json: { /count: { length: 1 } }", "of length 1 / 2"),
            ("headers: { Content-Type: text/plain }", "text/plain / application/json"),
            ("headers: { X-Gone: { matches: . } }", "a match of . / absent"),
            ("headers: { X-Gone: { not_equals: x } }", "another value than before / absent"),
            ("headers: { Vary: { absent: true } }", "absent / Origin, Accept"),
            ("body_contains: nowhere", "nowhere / it does not contain that"),
        ] {
            assert_eq!(wrong(expect, &response()), [expected], "{expect}");
        }
    }

    #[test]
    fn a_status_may_be_one_of_several() {
        let teapot = Response { status: 418, ..response() };
        assert_eq!(wrong("json: { /id: u-1 }", &teapot), ["200 / 418"]);
        let checks = [Check::Status(vec![404, 418])];
        assert!(evaluate(&checks, &Variables::new(), &teapot).is_empty());
    }

    #[test]
    fn a_body_that_is_no_json_fails_every_check_of_json_and_no_other() {
        let text = Response { body: "plain u-1".to_owned(), ..response() };
        let found = wrong("json: { /a: 1, /b: { absent: true } }, body_contains: u-1", &text);
        assert_eq!(found, ["1 / the body is not JSON", "absent / the body is not JSON"]);
    }
}
