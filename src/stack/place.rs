//! Where a value was written: layer, file, line and column.

use std::fmt;
use std::sync::Arc;

/// Layers of the stack, later ones win. Flags come last, but set no key: they name instance, offset and files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Layer {
    File,
    Profile,
    DotEnv,
    Environment,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "stack file",
            Self::Profile => "profile",
            Self::DotEnv => ".env",
            Self::Environment => "environment",
        })
    }
}

/// One text that values come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub layer: Layer,
    /// What a reader would open: a path as short as possible, or the variable's name.
    pub name: String,
    pub text: String,
}

impl Source {
    pub(crate) fn new(layer: Layer, name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { layer, name: name.into(), text: text.into() })
    }
}

/// A stretch of one line. Lines and columns count from 1, columns and width in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub source: Arc<Source>,
    pub line: usize,
    pub column: usize,
    pub width: usize,
}

impl Place {
    pub(crate) fn new(source: &Arc<Source>, line: usize, column: usize, width: usize) -> Self {
        Self { source: Arc::clone(source), line: line.max(1), column: column.max(1), width: width.max(1) }
    }

    pub(crate) fn layer(&self) -> Layer {
        self.source.layer
    }

    /// The whole line that the place lies in.
    pub(crate) fn line_text(&self) -> &str {
        self.source.text.lines().nth(self.line - 1).unwrap_or_default()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.layer() {
            Layer::Environment => write!(f, "environment variable {}", self.source.name),
            Layer::File | Layer::Profile | Layer::DotEnv => {
                write!(f, "{}:{}:{}", self.source.name, self.line, self.column)
            }
        }
    }
}

/// A value that remembers its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At<T> {
    pub value: T,
    pub place: Place,
}

impl<T> At<T> {
    pub(super) fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}
