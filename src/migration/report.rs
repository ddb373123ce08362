//! What the reader gets to see of migrations: one shape for the table and for JSON.

use std::fmt;

use serde::Serialize;

use super::{AppliedFile, Item, Migration, State};

/// Raised when the document changes its meaning.
const SCHEMA: &str = "doran.migrate/1";

/// The migrations of all databases of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema: &'static str,
    items: Vec<Row>,
}

/// One migration of one database.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    database: String,
    version: i64,
    description: String,
    file: Option<String>,
    state: &'static str,
    applied_at: Option<String>,
    /// Only for what this run applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    #[serde(skip)]
    pending: bool,
}

impl Report {
    pub(crate) fn new(items: Vec<Row>) -> Self {
        Self { schema: SCHEMA, items }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn has_pending(&self) -> bool {
        self.items.iter().any(|row| row.pending)
    }

    /// Only what is still to be applied.
    #[must_use]
    pub(crate) fn pending_only(mut self) -> Self {
        self.items.retain(|row| row.pending);
        self
    }
}

impl Row {
    /// A migration as the plan has it.
    pub(crate) fn planned(database: &str, item: &Item) -> Self {
        Self {
            database: database.to_owned(),
            version: item.version,
            description: item.description.clone(),
            file: item.file.as_ref().map(Migration::file_name),
            state: item.state.word(),
            applied_at: item.state.applied_at().map(str::to_owned),
            took_ms: None,
            pending: matches!(item.state, State::Pending | State::OutOfOrder { .. }),
        }
    }

    /// A migration that this run applied.
    pub(crate) fn applied(database: &str, file: &AppliedFile) -> Self {
        Self {
            database: database.to_owned(),
            version: file.version,
            description: file.description.clone(),
            file: Some(file.file.clone()),
            state: "applied",
            applied_at: None,
            took_ms: u64::try_from(file.took.as_millis()).ok(),
            pending: false,
        }
    }
}

/// A table; the description comes last, because Hangul upsets every column behind it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<10} {:>7}  {:<12}  {:<20}  DESCRIPTION", "DATABASE", "VERSION", "STATE", "APPLIED")?;
        self.items.iter().try_for_each(|row| {
            let applied = row.applied_at.as_deref().unwrap_or("-");
            write!(
                f,
                "\n{:<10} {:>7}  {:<12}  {applied:<20}  {}",
                row.database, row.version, row.state, row.description
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let pending =
            Item { version: 2, description: String::from("chat rooms"), file: None, state: State::Pending };
        let applied = AppliedFile {
            version: 1,
            description: String::from("shared tables"),
            file: String::from("0001_shared_tables.sql"),
            took: std::time::Duration::from_millis(12),
        };
        Report::new(vec![Row::applied("chat_db", &applied), Row::planned("chat_db", &pending)])
    }

    #[test]
    fn the_table_has_a_line_per_migration() {
        insta::assert_snapshot!(report().to_string(), @r"
        DATABASE   VERSION  STATE         APPLIED               DESCRIPTION
        chat_db          1  applied       -                     shared tables
        chat_db          2  pending       -                     chat rooms
        ");
    }

    #[test]
    fn the_json_document_names_its_schema() {
        insta::assert_json_snapshot!(report(), @r#"
        {
          "schema": "doran.migrate/1",
          "items": [
            {
              "database": "chat_db",
              "version": 1,
              "description": "shared tables",
              "file": "0001_shared_tables.sql",
              "state": "applied",
              "appliedAt": null,
              "tookMs": 12
            },
            {
              "database": "chat_db",
              "version": 2,
              "description": "chat rooms",
              "file": null,
              "state": "pending",
              "appliedAt": null
            }
          ]
        }
        "#);
    }

    #[test]
    fn what_is_pending_can_be_told_and_kept() {
        assert!(report().has_pending());
        let kept = report().pending_only();
        assert_eq!(kept.items.iter().map(|row| row.version).collect::<Vec<_>>(), [2]);
    }
}
