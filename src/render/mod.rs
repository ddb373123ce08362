//! Files for other tools out of the resolved stack: pure, from the templates that are compiled in.

mod board;
mod grafana;
mod prometheus;
mod slo;
mod template;
#[cfg(test)]
mod tests;

pub(crate) use grafana::grafana;
pub(crate) use prometheus::prometheus;

/// One file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// Relative to where everything goes.
    pub path: String,
    pub text: String,
}

impl Rendered {
    fn new(path: impl Into<String>, text: String) -> Self {
        Self { path: path.into(), text }
    }
}
