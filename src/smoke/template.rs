//! Text with `${name}` in it, and JSON whose texts are such.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// What the names stand for at some point of a scenario.
pub(crate) type Variables = BTreeMap<String, Value>;

/// Parsed text. `$$` is a dollar sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Name(String),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("`${{` without its `}}`; write `$$` for a dollar sign")]
    Unclosed,
    #[error("`${{{0}}}` does not hold a name: lower-case letters, digits and `_`, a letter first")]
    NotAName(String),
}

/// How a value is written into the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    AsIs,
    /// For a path or query of a URL: everything but unreserved characters is percent-encoded.
    Percent,
}

impl Template {
    /// # Errors
    /// When a `${` is not closed, or does not hold a name.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("$$") {
                literal.push('$');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("${") {
                let (name, after) = after.split_once('}').ok_or(TemplateError::Unclosed)?;
                if !is_name(name) && !is_generator(name) {
                    return Err(TemplateError::NotAName(name.to_owned()));
                }
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Name(name.to_owned()));
                rest = after;
            } else {
                literal.push('$');
                rest = &rest[1..];
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// The names in it, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The text, with every name replaced by its value.
    pub(crate) fn fill(&self, variables: &Variables, quoting: Quoting) -> String {
        let mut filled = String::new();
        for part in &self.parts {
            match (part, quoting) {
                (Part::Literal(text), _) => filled.push_str(text),
                (Part::Name(name), Quoting::AsIs) => filled.push_str(&plain(value_of(variables, name))),
                (Part::Name(name), Quoting::Percent) => {
                    filled.push_str(&percent(&plain(value_of(variables, name))));
                }
            }
        }
        filled
    }

    /// Like [`Self::fill`], but a template that is one name alone keeps its value's type.
    fn fill_value(&self, variables: &Variables) -> Value {
        match self.parts.as_slice() {
            [Part::Name(name)] => value_of(variables, name).clone(),
            _ => Value::String(self.fill(variables, Quoting::AsIs)),
        }
    }
}

/// JSON whose texts (not keys) are templates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JsonTemplate {
    Fixed(Value),
    Text(Template),
    List(Vec<JsonTemplate>),
    Map(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    pub(crate) fn fill(&self, variables: &Variables) -> Value {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(template) => template.fill_value(variables),
            Self::List(items) => Value::Array(items.iter().map(|item| item.fill(variables)).collect()),
            Self::Map(entries) => {
                let filled = entries.iter().map(|(key, item)| (key.clone(), item.fill(variables)));
                Value::Object(filled.collect::<Map<_, _>>())
            }
        }
    }
}

/// A value as text: strings without quotes, everything else as JSON.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `[a-z][a-z0-9_]*`
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// `random.` and a name: made anew where a variable is declared.
pub(crate) fn is_generator(text: &str) -> bool {
    text.strip_prefix("random.").is_some_and(is_name)
}

/// RFC 3986 section 2.3: everything else is encoded, so that a value never changes a URL's structure.
pub(crate) fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn value_of<'a>(variables: &'a Variables, name: &str) -> &'a Value {
    variables.get(name).expect("parsing checked that every name is set before it is used")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn variables() -> Variables {
        [("id", json!("a/b c@d")), ("n", json!(7)), ("object", json!({"k": [1]})), ("none", Value::Null)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    #[test]
    fn names_are_replaced_and_dollars_stay() {
        for (text, expected) in [
            ("plain", "plain"),
            ("", ""),
            ("${n}", "7"),
            ("<${id}>${n}", "<a/b c@d>7"),
            ("costs $5, $$5, $${n}", "costs $5, $5, ${n}"),
            ("${object}${none}", r#"{"k":[1]}null"#),
            ("끝 $", "끝 $"),
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.fill(&variables(), Quoting::AsIs), expected, "{text}");
        }
    }

    #[test]
    fn in_a_path_a_value_cannot_add_segments() {
        let template = Template::parse("/users/${id}?n=${n}").unwrap();
        assert_eq!(template.fill(&variables(), Quoting::Percent), "/users/a%2Fb%20c%40d?n=7");
    }

    #[test]
    fn what_is_no_template_says_why() {
        for (text, expected) in [
            ("${n", TemplateError::Unclosed),
            ("${}", TemplateError::NotAName(String::new())),
            ("${Name}", TemplateError::NotAName("Name".to_owned())),
            ("${random.}", TemplateError::NotAName("random.".to_owned())),
            ("${env.HOME}", TemplateError::NotAName("env.HOME".to_owned())),
        ] {
            assert_eq!(Template::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_name_alone_keeps_its_type_in_json() {
        let text = |text| JsonTemplate::Text(Template::parse(text).unwrap());
        let template = JsonTemplate::Map(vec![
            ("typed".to_owned(), text("${n}")),
            ("mixed".to_owned(), text("n${n}")),
            (
                "list".to_owned(),
                JsonTemplate::List(vec![text("${object}"), JsonTemplate::Fixed(json!(true))]),
            ),
        ]);
        let expected = json!({"typed": 7, "mixed": "n7", "list": [{"k": [1]}, true]});
        assert_eq!(template.fill(&variables()), expected);
    }

    proptest! {
        #[test]
        fn any_text_without_a_dollar_is_itself(text in "[^$]*") {
            let template = Template::parse(&text).unwrap();
            prop_assert_eq!(template.fill(&Variables::new(), Quoting::AsIs), text);
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = Template::parse(&text);
        }
    }
}
