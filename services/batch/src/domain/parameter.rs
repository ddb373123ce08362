//! Parameters of executions: checked, completed with their defaults, and what tells instances apart.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use chrono::NaiveDate;
use contract::batch::{ParameterType, ParameterValue};
use serde_json::Value;

use crate::engine::{Job, Parameter, Range};

/// Makes a run without parameters a new one.
pub const RUN: &str = "run";
/// The time of the schedule that a run was begun for, RFC 3339.
pub const SLOT: &str = "slot";

/// Of a string, in characters. Spring Batch's parameters have as many.
const LONGEST: usize = 250;

/// A parameter that breaks a rule, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub name: String,
    pub rule: Rule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The job has no such parameter.
    Unknown,
    Missing,
    NotA(ParameterType),
    TooLong,
    NotBetween(i64, i64),
    NoMonth,
}

/// What was given with the job's defaults, in the order of their names. Values of every type may also come as strings,
/// as a command line has them. Each is written in one way only, so that the same value makes the same instance.
///
/// # Errors
/// Everything that is wrong, at once, in the order of the names.
pub fn resolve(job: &Job, given: &BTreeMap<String, Value>) -> Result<Vec<ParameterValue>, Vec<Wrong>> {
    let mut values = Vec::new();
    let mut wrong: Vec<_> = given
        .keys()
        .filter(|name| job.parameters.iter().all(|parameter| parameter.name != name.as_str()))
        .map(|name| Wrong { name: name.clone(), rule: Rule::Unknown })
        .collect();
    for parameter in job.parameters {
        let read = match (given.get(parameter.name), parameter.default) {
            (Some(value), _) => read(parameter, value),
            (None, Some(default)) => read(parameter, &Value::from(default)),
            (None, None) if parameter.required => Err(Rule::Missing),
            (None, None) => continue,
        };
        let name = parameter.name.to_owned();
        match read {
            Ok(value) => values.push(ParameterValue {
                name,
                kind: parameter.kind,
                value,
                identifying: parameter.identifying,
            }),
            Err(rule) => wrong.push(Wrong { name, rule }),
        }
    }
    values.sort_by(|a, b| a.name.cmp(&b.name));
    wrong.sort_by(|a, b| a.name.cmp(&b.name));
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

/// The value as it is written down, if the parameter may have it.
fn read(parameter: &Parameter, value: &Value) -> Result<String, Rule> {
    let written = written(parameter.kind, value)?;
    match parameter.range {
        Range::Between(least, most)
            if !written.parse::<i64>().is_ok_and(|number| (least..=most).contains(&number)) =>
        {
            Err(Rule::NotBetween(least, most))
        }
        Range::Month if date(&format!("{written}-01")).is_none() => Err(Rule::NoMonth),
        Range::Any | Range::Between(..) | Range::Month => Ok(written),
    }
}

fn written(kind: ParameterType, value: &Value) -> Result<String, Rule> {
    let written = match (kind, value) {
        (ParameterType::String, Value::String(text)) => return string(text),
        (ParameterType::Long, Value::Number(number)) => number.as_i64().map(|number| number.to_string()),
        (ParameterType::Long, Value::String(text)) => long(text),
        (ParameterType::Double, Value::Number(number)) => number.as_f64().and_then(double),
        (ParameterType::Double, Value::String(text)) => decimal(text).and_then(double),
        (ParameterType::Date, Value::String(text)) => date(text),
        (ParameterType::Boolean, Value::Bool(value)) => Some(value.to_string()),
        (ParameterType::Boolean, Value::String(text)) => {
            text.parse::<bool>().ok().map(|value| value.to_string())
        }
        _ => None,
    };
    written.ok_or(Rule::NotA(kind))
}

fn string(text: &str) -> Result<String, Rule> {
    match text.chars().count() {
        // The database stores anything but U+0000; the rest would garble a terminal.
        1..=LONGEST if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        0..=LONGEST => Err(Rule::NotA(ParameterType::String)),
        _ => Err(Rule::TooLong),
    }
}

fn long(text: &str) -> Option<String> {
    text.parse::<i64>().ok().map(|number| number.to_string())
}

/// Digits, as JSON has them; `inf`, `nan` and the like are no numbers to us.
fn decimal(text: &str) -> Option<f64> {
    text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)).then(|| text.parse().ok())?
}

fn double(number: f64) -> Option<String> {
    // There is one zero.
    let number = if number == 0.0 { 0.0 } else { number };
    number.is_finite().then(|| format!("{number:?}"))
}

fn date(text: &str) -> Option<String> {
    let date: NaiveDate = text.parse().ok()?;
    // Also of another length, or with spaces, it would read as one.
    (date.to_string() == text && text.len() == "YYYY-MM-DD".len()).then(|| text.to_owned())
}

/// An identifying parameter of our own: [`RUN`] or [`SLOT`].
pub fn own(name: &str, value: String) -> ParameterValue {
    ParameterValue { name: name.to_owned(), kind: ParameterType::String, value, identifying: true }
}

/// SHA-256 of the identifying parameters, and of whether it is a dry run: those never stand in the way of real runs.
pub fn key(parameters: &[ParameterValue], dry_run: bool) -> [u8; 32] {
    let mut identifying: Vec<&ParameterValue> = parameters.iter().filter(|given| given.identifying).collect();
    identifying.sort_by(|a, b| a.name.cmp(&b.name));
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(if dry_run { b"dry" } else { b"run" });
    for parameter in identifying {
        for part in [&*parameter.name, parameter.kind.as_str(), &*parameter.value] {
            // With its length, so that no two lists look the same.
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
    }
    let mut key = [0; digest::SHA256_OUTPUT_LEN];
    key.copy_from_slice(context.finish().as_ref());
    key
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::{Parameter, Schedule};

    const fn parameter(name: &'static str, kind: ParameterType) -> Parameter {
        Parameter {
            name,
            description: "",
            kind,
            range: Range::Any,
            default: None,
            required: false,
            identifying: true,
        }
    }

    const PARAMETERS: &[Parameter] = &[
        parameter("s", ParameterType::String),
        parameter("l", ParameterType::Long),
        parameter("d", ParameterType::Double),
        parameter("day", ParameterType::Date),
        parameter("b", ParameterType::Boolean),
    ];

    fn job(parameters: &'static [Parameter]) -> Job {
        let schedule = Schedule {
            cron: "0 3 * * *",
            misfire: contract::batch::Misfire::Skip,
            concurrency: contract::batch::Concurrency::Forbid,
        };
        Job { name: "job", description: "", parameters, schedule, steps: vec![] }
    }

    fn given(value: Value) -> BTreeMap<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_value_of_its_type_is_written_in_one_way() {
        for (name, value, written) in [
            ("s", json!("가 나"), "가 나"),
            ("s", json!("x".repeat(250)), &*"x".repeat(250)),
            ("l", json!(7), "7"),
            ("l", json!("7"), "7"),
            ("l", json!("+007"), "7"),
            ("l", json!(i64::MIN), "-9223372036854775808"),
            ("d", json!(7), "7.0"),
            ("d", json!("7"), "7.0"),
            ("d", json!("7.50"), "7.5"),
            ("d", json!(-0.0), "0.0"),
            ("d", json!("1e300"), "1e300"),
            ("day", json!("2024-02-29"), "2024-02-29"),
            ("b", json!(true), "true"),
            ("b", json!("false"), "false"),
        ] {
            let values = resolve(&job(PARAMETERS), &given(json!({ name: value }))).unwrap();
            assert_eq!((&*values[0].name, &*values[0].value, values.len()), (name, written, 1), "{value}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        for (name, value) in [
            ("s", json!(7)),
            ("s", json!("")),
            ("s", json!("a\u{0}b")),
            ("s", json!("a\nb")),
            ("s", json!(null)),
            ("l", json!(7.5)),
            ("l", json!("7.0")),
            ("l", json!("")),
            ("l", json!(" 7")),
            ("l", json!(9_223_372_036_854_775_808_u64)),
            ("l", json!("9223372036854775808")),
            ("l", json!(true)),
            ("d", json!("nan")),
            ("d", json!("inf")),
            ("d", json!("1e999")),
            ("d", json!("")),
            ("day", json!("2023-02-29")),
            ("day", json!("2024-2-9")),
            ("day", json!("12024-02-09")),
            ("day", json!("2024-02-09T00:00:00Z")),
            ("day", json!(20_240_209)),
            ("b", json!("yes")),
            ("b", json!(1)),
            ("b", json!([true])),
        ] {
            let kind = PARAMETERS.iter().find(|parameter| parameter.name == name).unwrap().kind;
            let wrong = resolve(&job(PARAMETERS), &given(json!({ name: value }))).unwrap_err();
            assert_eq!(wrong, [Wrong { name: name.to_owned(), rule: Rule::NotA(kind) }], "{value}");
        }
        let long = resolve(&job(PARAMETERS), &given(json!({ "s": "가".repeat(251) }))).unwrap_err();
        assert_eq!(long[0].rule, Rule::TooLong);
    }

    #[test]
    fn a_value_out_of_range_is_refused() {
        const RANGED: &[Parameter] = &[
            Parameter { range: Range::Between(1, 100), ..parameter("n", ParameterType::Long) },
            Parameter { range: Range::Month, ..parameter("month", ParameterType::String) },
        ];
        for (name, value, rule) in [
            ("n", json!(1), None),
            ("n", json!("100"), None),
            ("n", json!(0), Some(Rule::NotBetween(1, 100))),
            ("n", json!("-1"), Some(Rule::NotBetween(1, 100))),
            ("n", json!(101), Some(Rule::NotBetween(1, 100))),
            ("n", json!("many"), Some(Rule::NotA(ParameterType::Long))),
            ("month", json!("2026-01"), None),
            ("month", json!("2026-1"), Some(Rule::NoMonth)),
            ("month", json!("2026-13"), Some(Rule::NoMonth)),
            ("month", json!("../etc"), Some(Rule::NoMonth)),
        ] {
            let resolved = resolve(&job(RANGED), &given(json!({ name: value })));
            assert_eq!(resolved.err().map(|wrong| wrong[0].rule), rule, "{value}");
        }
    }

    #[test]
    fn defaults_are_filled_in_and_everything_wrong_is_said_at_once() {
        const MIXED: &[Parameter] = &[
            Parameter { default: Some("007"), ..parameter("limit", ParameterType::Long) },
            Parameter { required: true, ..parameter("day", ParameterType::Date) },
            Parameter { identifying: false, ..parameter("absent", ParameterType::String) },
        ];
        let values = resolve(&job(MIXED), &given(json!({ "day": "2024-02-29" }))).unwrap();
        let written: Vec<_> = values.iter().map(|value| (&*value.name, &*value.value)).collect();
        assert_eq!(written, [("day", "2024-02-29"), ("limit", "7")], "in the order of their names");
        let given = given(json!({ "limit": "many", "zebra": 1, "run": "x", "slot": "y" }));
        let wrong = resolve(&job(MIXED), &given).unwrap_err();
        let rules: Vec<_> = wrong.iter().map(|wrong| (&*wrong.name, wrong.rule)).collect();
        let expected = [
            ("day", Rule::Missing),
            ("limit", Rule::NotA(ParameterType::Long)),
            // Ours cannot be set by anybody else.
            ("run", Rule::Unknown),
            ("slot", Rule::Unknown),
            ("zebra", Rule::Unknown),
        ];
        assert_eq!(rules, expected);
    }
}
