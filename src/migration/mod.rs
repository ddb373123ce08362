//! Schema migrations of the stack's databases: which files there are, which are applied, and applying the rest.
//!
//! `source` and `plan` are pure but for reading the files; `apply` owns the connection. Files, checksums, lock
//! and history table are sqlx's, so sqlx-cli works on the same databases. Nothing here prints.

mod access;
mod apply;
mod error;
mod excerpt;
mod lock;
mod plan;
mod progress;
mod report;
mod source;
#[cfg(test)]
mod tests;

pub(crate) use access::DatabaseAccess;
pub(crate) use apply::{AppliedFile, Notice, Outcome, inspect, up_one};
pub(crate) use error::{MigrationError, StatementError};
pub(crate) use plan::{Item, Plan, State};
pub(crate) use progress::{Board, Line};
pub(crate) use report::{Report, Row};
pub(crate) use source::{Migration, SourceError, next_file, read_directory};
