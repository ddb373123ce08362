//! Prometheus' text form, as the services write it. Pure.

use std::borrow::Cow;

/// One sample of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Series<'a> {
    pub name: &'a str,
    /// Between the braces, as written.
    labels: &'a str,
    pub value: f64,
}

/// The samples of a text; what is not one is passed over.
pub(super) fn parse(text: &str) -> impl Iterator<Item = Series<'_>> {
    text.lines().filter_map(line)
}

fn line(line: &str) -> Option<Series<'_>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find(|letter: char| letter == '{' || letter.is_ascii_whitespace())?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        // A route's template has braces itself, within the quotes.
        Some(rest) => {
            let end = end_of_labels(rest)?;
            (&rest[..end], &rest[end + 1..])
        }
        None => ("", rest),
    };
    // A time may follow the value.
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Series { name, labels, value })
}

fn end_of_labels(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return Some(index),
            _ => {}
        }
    }
    None
}

impl<'a> Series<'a> {
    /// A label's value.
    pub(super) fn label(&self, wanted: &str) -> Option<Cow<'a, str>> {
        let mut rest = self.labels;
        loop {
            let (name, behind) = rest.split_once("=\"")?;
            let end = end_of_value(behind)?;
            if name.trim_start_matches([',', ' ']) == wanted {
                return Some(unescaped(&behind[..end]));
            }
            rest = &behind[end + 1..];
        }
    }
}

fn end_of_value(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.push(match letters.next() {
                Some('n') => '\n',
                Some(other) => other,
                None => '\\',
            }),
            other => text.push(other),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn braces_quotes_and_spaces_in_labels_are_part_of_them() {
        let text = "# HELP a b\n# TYPE a counter\n\na{uri=\"/users/{id}\",status=\"200\"} 3 1700000000\n\
                    a{uri=\"say \\\"hi\\\", }\\n\",status=\"404\",} 4\nup 1\nbad{ 1\nworse\n";
        let all: Vec<Series<'_>> = parse(text).collect();
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].label("uri").unwrap(), "/users/{id}");
        assert_eq!((all[0].label("status").unwrap(), all[0].value), ("200".into(), 3.0));
        assert_eq!(all[1].label("uri").unwrap(), "say \"hi\", }\n");
        assert_eq!(all[1].label("status").unwrap(), "404");
        assert_eq!((all[2].name, all[2].label("status"), all[2].value), ("up", None, 1.0));
    }

    #[test]
    fn what_is_no_number_says_so() {
        let values: Vec<f64> = parse("a NaN\nb +Inf\nc -Inf\nd 1e3").map(|series| series.value).collect();
        assert!(values[0].is_nan());
        assert_eq!(values[1..], [f64::INFINITY, f64::NEG_INFINITY, 1000.0]);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text: String) {
            for series in parse(&text) {
                let _ = series.label("uri");
            }
        }
    }
}
