//! What is wrong with a scenario file, and where.

use std::fmt;

/// Line and column, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    pub(crate) fn new(line: usize, column: usize) -> Self {
        Self { line: line.max(1), column: column.max(1) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A mistake in a text whose file is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub place: Place,
    pub message: String,
    pub help: Option<String>,
}

impl Mistake {
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), help: None }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    pub(crate) fn in_file(self, file: &str) -> ScenarioError {
        ScenarioError { file: file.to_owned(), place: self.place, message: self.message, help: self.help }
    }
}

/// Why a scenario file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{place}: {message}")]
pub(crate) struct ScenarioError {
    pub file: String,
    pub place: Place,
    pub message: String,
    pub help: Option<String>,
}
