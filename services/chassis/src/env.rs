//! Configuration from environment variables: read all, then report every problem at once.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::str::FromStr;

/// Where variables come from. Tests pass a map; a test must never change the process's own environment.
pub trait Env {
    fn var(&self, name: &str) -> Option<String>;
}

/// The environment of this process.
pub struct ProcessEnv;

impl Env for ProcessEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl Env for BTreeMap<String, String> {
    fn var(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }
}

impl<const N: usize> Env for [(&str, &str); N] {
    fn var(&self, name: &str) -> Option<String> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }
}

/// Everything that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub problems: Vec<String>,
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bad configuration")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// Reads variables and collects what is wrong with them. An empty value counts as absent.
pub struct Reader<'a> {
    env: &'a dyn Env,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn new(env: &'a dyn Env) -> Self {
        Self { env, problems: Vec::new() }
    }

    /// An optional variable.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.env.var(name).filter(|text| !text.trim().is_empty())?;
        match text.trim().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(format!("{name} is not valid: {error}"));
                None
            }
        }
    }

    /// A variable with a default.
    pub fn or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> T {
        self.optional(name).unwrap_or(default)
    }

    /// A variable that must be set. `None` is always accompanied by a problem.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        if self.env.var(name).is_none_or(|text| text.trim().is_empty()) {
            self.problem(format!("{name} is not set"));
            return None;
        }
        self.optional(name)
    }

    /// Adds a problem that the caller found.
    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// The configuration, if nothing was wrong. `make` may use `?` on what `required` gave.
    ///
    /// # Errors
    /// All problems that were met.
    pub fn finish<T>(mut self, make: impl FnOnce() -> Option<T>) -> Result<T, ConfigError> {
        if self.problems.is_empty() {
            if let Some(config) = make() {
                return Ok(config);
            }
            self.problem("a required value is missing".to_owned());
        }
        Err(ConfigError { problems: self.problems })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_reported_at_once() {
        let env = [("PORT", "eighty"), ("EMPTY", " ")];
        let mut reader = Reader::new(&env);
        let port: u16 = reader.or("PORT", 1);
        let empty: Option<u16> = reader.required("EMPTY");
        let error = reader.finish(|| Some((port, empty?))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "bad configuration\n  - PORT is not valid: invalid digit found in string\n  - EMPTY is not set"
        );
    }

    #[test]
    fn defaults_stand_in_for_absent_values() {
        let env = [("SET", "5")];
        let mut reader = Reader::new(&env);
        assert_eq!(reader.or("ABSENT", 3_u16), 3);
        assert_eq!(reader.required::<u16>("SET"), Some(5));
        assert_eq!(reader.finish(|| Some(())), Ok(()));
    }
}
