//! Scenario files: YAML in, checked scenarios out; the first mistake is reported with file, line and column.

mod check;
mod document;
mod fields;
mod file;
mod mistake;
mod scope;
mod step;
#[cfg(test)]
mod tests;

pub(crate) use file::parse;
pub(crate) use mistake::{Mistake, Place, ScenarioError};
