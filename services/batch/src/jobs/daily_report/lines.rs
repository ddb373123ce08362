//! A service's statistics as lines of a table: each number is one, named by its place.

use serde_json::{Map, Value, json};

/// Lines of `section`, in the order of their names. What is nested is named `outer.inner`; a list has an object for each
/// currency.
pub(super) fn of(section: &str, statistics: &Value) -> Vec<Value> {
    let mut lines = Vec::new();
    collect(&Line { section, metric: String::new(), currency: None }, statistics, &mut lines);
    lines
}

/// A line that has no number yet.
struct Line<'a> {
    section: &'a str,
    metric: String,
    currency: Option<&'a str>,
}

fn collect(line: &Line<'_>, value: &Value, lines: &mut Vec<Value>) {
    match value {
        Value::Number(number) => lines.push(json!({
            "section": line.section, "metric": line.metric, "currency": line.currency, "value": number,
        })),
        Value::Object(members) => below(line, line.currency, members, lines),
        Value::Array(items) => {
            for members in items.iter().filter_map(Value::as_object) {
                below(line, members.get("currency").and_then(Value::as_str), members, lines);
            }
        }
        // The day, and the currency that a line has already.
        Value::String(_) | Value::Bool(_) | Value::Null => {}
    }
}

fn below<'a>(
    line: &Line<'a>,
    currency: Option<&'a str>,
    members: &'a Map<String, Value>,
    lines: &mut Vec<Value>,
) {
    for (name, value) in members {
        let metric = if line.metric.is_empty() { name.clone() } else { format!("{}.{name}", line.metric) };
        collect(&Line { section: line.section, metric, currency }, value, lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_a_line_that_is_named_by_its_place() {
        let statistics = json!({
            "day": "2026-03-01",
            "activeUsers": 2,
            "orders": { "placed": 4, "failed": 0 },
            "sales": [
                { "currency": "KRW", "confirmedAmount": 3000 },
                { "currency": "USD", "confirmedAmount": 21 },
            ],
        });
        let line = |metric, currency: Option<&str>, value| json!({ "section": "store", "metric": metric, "currency": currency, "value": value });
        let mut found = of("store", &statistics);
        found.sort_by_key(Value::to_string);
        let mut expected = [
            line("activeUsers", None, 2),
            line("orders.placed", None, 4),
            line("orders.failed", None, 0),
            line("sales.confirmedAmount", Some("KRW"), 3000),
            line("sales.confirmedAmount", Some("USD"), 21),
        ];
        expected.sort_by_key(Value::to_string);
        assert_eq!(found, expected);
    }

    #[test]
    fn a_day_without_sales_has_no_line_of_them() {
        assert_eq!(of("store", &json!({ "day": "2026-03-01", "sales": [] })), Vec::<Value>::new());
    }
}
