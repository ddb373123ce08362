//! Which series an expression names: enough of the grammar to find them, and no more.

use std::collections::BTreeSet;

/// A series, and the labels that its selector asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    pub(super) metric: String,
    pub(super) labels: BTreeSet<String>,
}

const OPERATORS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

pub(super) fn named(expr: &str) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    let mut rest = expr;
    while let Some(first) = rest.chars().next() {
        if matches!(first, '"' | '\'') {
            rest = behind_text(rest);
        } else if first == '[' {
            rest = rest.split_once(']').map_or("", |(_, rest)| rest);
        } else if first.is_ascii_digit() || first == '$' {
            rest =
                rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '$' | '_'));
        } else if first.is_ascii_alphabetic() || first == '_' {
            let (word, behind) = word(rest);
            let behind = behind.trim_start();
            rest = behind;
            if GROUPINGS.contains(&word) {
                let labels = behind.strip_prefix('(').and_then(|labels| labels.split_once(')'));
                rest = labels.map_or(behind, |(_, rest)| rest);
            } else if !OPERATORS.contains(&word) && !is_function(behind) {
                let labels = behind.strip_prefix('{').map(selector).unwrap_or_default();
                found.push(Named { metric: word.to_owned(), labels });
                rest = behind.strip_prefix('{').map_or(behind, behind_selector);
            }
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

fn word(text: &str) -> (&str, &str) {
    let end =
        text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))).unwrap_or(text.len());
    text.split_at(end)
}

/// `sum(…)` and `sum by (…) (…)` are no series.
fn is_function(behind: &str) -> bool {
    behind.starts_with('(')
        || GROUPINGS.contains(&word(behind).0) && !matches!(word(behind).0, "on" | "ignoring")
}

/// Behind the text that begins here.
fn behind_text(text: &str) -> &str {
    let quote = &text[..1];
    text[1..].split_once(quote).map_or("", |(_, rest)| rest)
}

fn behind_selector(mut text: &str) -> &str {
    while let Some(at) = text.find(['"', '}']) {
        if text[at..].starts_with('}') {
            return &text[at + 1..];
        }
        text = behind_text(&text[at..]);
    }
    ""
}

/// The labels between here and the closing brace.
fn selector(mut text: &str) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    loop {
        text = text.trim_start_matches([',', ' ']);
        let (label, behind) = word(text);
        if label.is_empty() {
            return labels;
        }
        labels.insert(label.to_owned());
        text = behind_text(behind.trim_start_matches(['=', '!', '~', ' ']));
    }
}

#[test]
fn series_and_labels_are_told_from_functions_words_and_texts() {
    let found = named(
        r#"clamp_min(sum by (job, le) (rate(a_total{x="b{c}",y=~"d|e"}[5m])) - on (job) group_left slo:b, 0) > 14.4 * 0.1
           and on (job) (c_d{z!="}"} offset 1h) or topk(10, e) / ignoring (f) g"#,
    );
    let shown: Vec<_> = found
        .iter()
        .map(|named| {
            format!("{} {}", named.metric, named.labels.iter().cloned().collect::<Vec<_>>().join(","))
        })
        .collect();
    assert_eq!(shown, ["a_total x,y", "slo:b ", "c_d z", "e ", "g "]);
}
