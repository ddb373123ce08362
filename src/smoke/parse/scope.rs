//! Which names a template may use where it stands; and templates, checked against that.

use std::collections::BTreeSet;

use super::document::{Node, Value};
use super::fields::text;
use super::mistake::{Mistake, Place};
use crate::smoke::random::Generator;
use crate::smoke::template::{JsonTemplate, Template, is_generator, is_name};
use crate::stack::suggestion;

/// The names that are set so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    names: BTreeSet<String>,
}

/// Where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// The value of a variable: generators may be used.
    Variable,
    Step,
}

impl Scope {
    /// # Errors
    /// When the text is no name, or is set already: one name means one value.
    pub(crate) fn set(&mut self, name: &str, place: Place) -> Result<(), Mistake> {
        if !is_name(name) {
            let message =
                format!("`{name}` is not a name: lower-case letters, digits and `_`, a letter first");
            return Err(Mistake::new(place, message));
        }
        if !self.names.insert(name.to_owned()) {
            return Err(Mistake::new(place, format!("`{name}` is already set above")));
        }
        Ok(())
    }

    pub(crate) fn template(&self, node: &Node, what: &str, spot: Spot) -> Result<Template, Mistake> {
        self.checked(&text(node, what)?, node.place, spot)
    }

    /// # Errors
    /// When the text is no template, or uses a name that is not set here.
    pub(crate) fn checked(&self, text: &str, place: Place, spot: Spot) -> Result<Template, Mistake> {
        let template = Template::parse(text).map_err(|error| Mistake::new(place, error.to_string()))?;
        template.names().try_for_each(|name| self.check(name, place, spot))?;
        Ok(template)
    }

    fn check(&self, name: &str, place: Place, spot: Spot) -> Result<(), Mistake> {
        if !is_generator(name) {
            return if self.names.contains(name) {
                Ok(())
            } else {
                let help = suggestion(name, self.names.iter().map(String::as_str));
                Err(Mistake::new(place, format!("`${{{name}}}` is not set here")).help(help))
            };
        }
        if Generator::parse(name).is_none() {
            let help = suggestion(name, Generator::ALL.iter().map(|generator| generator.name()));
            return Err(Mistake::new(place, format!("`${{{name}}}` is not a generated value")).help(help));
        }
        match spot {
            Spot::Variable => Ok(()),
            Spot::Step => Err(Mistake::new(place, format!("`${{{name}}}` would differ at each use"))
                .help(Some("give it a name under `variables` and use that".to_owned()))),
        }
    }

    /// JSON whose texts are templates.
    pub(crate) fn json(&self, node: Node, spot: Spot) -> Result<JsonTemplate, Mistake> {
        Ok(match node.value {
            Value::Null => JsonTemplate::Fixed(serde_json::Value::Null),
            Value::Bool(value) => JsonTemplate::Fixed(value.into()),
            Value::Number(value) => JsonTemplate::Fixed(value.into()),
            Value::Text(text) => JsonTemplate::Text(self.checked(&text, node.place, spot)?),
            Value::List(items) => JsonTemplate::List(
                items.into_iter().map(|item| self.json(item, spot)).collect::<Result<_, _>>()?,
            ),
            Value::Map(entries) => JsonTemplate::Map(
                entries
                    .into_iter()
                    .map(|entry| Ok((entry.key, self.json(entry.node, spot)?)))
                    .collect::<Result<_, Mistake>>()?,
            ),
        })
    }
}
