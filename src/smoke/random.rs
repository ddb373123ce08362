//! Generated values, so that a run never meets the data of an earlier one.

use rand::{Rng, RngExt as _};
use serde_json::Value;
use uuid::Builder;

use super::scenario::Variable;
use super::template::{JsonTemplate, Variables};

/// What `${random.…}` stands for where a variable is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generator {
    /// An address below `example.com`, which never receives mail (RFC 2606).
    Email,
    /// Eight hexadecimal digits.
    Hex8,
    /// A UUID of version 4.
    Uuid,
}

impl Generator {
    pub(crate) const ALL: [Self; 3] = [Self::Email, Self::Hex8, Self::Uuid];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Email => "random.email",
            Self::Hex8 => "random.hex8",
            Self::Uuid => "random.uuid",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|generator| generator.name() == name)
    }

    fn generate(self, random: &mut impl Rng) -> String {
        match self {
            Self::Email => format!("smoke-{:016x}@example.com", random.random::<u64>()),
            Self::Hex8 => format!("{:08x}", random.random::<u32>()),
            Self::Uuid => Builder::from_random_bytes(random.random()).into_uuid().to_string(),
        }
    }
}

/// Sets a variable. Each generated value in it is made once.
pub(crate) fn set(variable: &Variable, variables: &mut Variables, random: &mut impl Rng) -> Value {
    let mut names = variables.clone();
    for name in generators(&variable.value) {
        names.insert(name.name().to_owned(), Value::String(name.generate(random)));
    }
    let value = variable.value.fill(&names);
    variables.insert(variable.name.clone(), value.clone());
    value
}

fn generators(template: &JsonTemplate) -> Vec<Generator> {
    match template {
        JsonTemplate::Fixed(_) => Vec::new(),
        JsonTemplate::Text(text) => text.names().filter_map(Generator::parse).collect(),
        JsonTemplate::List(items) => items.iter().flat_map(generators).collect(),
        JsonTemplate::Map(entries) => entries.iter().flat_map(|(_, item)| generators(item)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;
    use crate::smoke::scenario::Secrecy;
    use crate::smoke::template::Template;

    fn declare(text: &str, variables: &mut Variables, random: &mut StdRng) -> String {
        let value = JsonTemplate::Text(Template::parse(text).unwrap());
        let variable = Variable { name: "made".to_owned(), value, secrecy: Secrecy::Open };
        set(&variable, variables, random).as_str().unwrap().to_owned()
    }

    #[test]
    fn a_declared_value_is_kept_and_the_next_one_differs() {
        let mut random = StdRng::seed_from_u64(1);
        let mut variables = Variables::new();
        let first = declare("${random.email}", &mut variables, &mut random);
        assert_eq!(variables["made"], first.as_str());
        let second = declare("${random.email}", &mut variables, &mut random);
        assert_ne!(first, second);
        assert!(first.starts_with("smoke-") && first.ends_with("@example.com"), "{first}");
    }

    #[test]
    fn generated_values_have_their_shape() {
        let mut random = StdRng::seed_from_u64(2);
        let mut variables = Variables::new();
        let hex = declare("Pw-${random.hex8}", &mut variables, &mut random);
        assert!(hex.len() == 11 && hex[3..].chars().all(|c| c.is_ascii_hexdigit()), "{hex}");
        let uuid = declare("${random.uuid}", &mut variables, &mut random);
        assert_eq!(uuid.parse::<uuid::Uuid>().unwrap().get_version_num(), 4);
    }
}
