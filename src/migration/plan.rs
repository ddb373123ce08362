//! What the files and the history say together. Pure: decides, applies nothing.

use std::collections::BTreeMap;

use super::Migration;

/// A row of the history table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    pub version: i64,
    pub description: String,
    pub checksum: Vec<u8>,
    /// sqlx writes false while a migration outside a transaction runs, or when it failed.
    pub success: bool,
    /// RFC 3339.
    pub at: String,
}

/// Where one migration stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Applied {
        at: String,
    },
    Pending,
    /// Pending, although a later one is applied already.
    OutOfOrder {
        newest: i64,
    },
    /// The file is not what was applied.
    Edited {
        at: String,
        applied: Vec<u8>,
    },
    /// Applied, but its file is gone.
    Missing {
        at: String,
    },
    /// Broke off outside a transaction.
    Unfinished {
        at: String,
    },
}

impl State {
    /// One word, in tables and JSON.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Pending => "pending",
            Self::OutOfOrder { .. } => "out-of-order",
            Self::Edited { .. } => "edited",
            Self::Missing { .. } => "missing",
            Self::Unfinished { .. } => "unfinished",
        }
    }

    pub(crate) fn applied_at(&self) -> Option<&str> {
        match self {
            Self::Applied { at }
            | Self::Edited { at, .. }
            | Self::Missing { at }
            | Self::Unfinished { at } => Some(at),
            Self::Pending | Self::OutOfOrder { .. } => None,
        }
    }
}

/// One migration, from its file, its history row, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub version: i64,
    pub description: String,
    /// Absent when the file is missing.
    pub file: Option<Migration>,
    pub state: State,
}

/// Every migration of a database, in order of version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub items: Vec<Item>,
}

impl Plan {
    /// Lays the files beside the history.
    pub(crate) fn compare(files: Vec<Migration>, history: Vec<Applied>) -> Self {
        let newest = history.iter().map(|row| row.version).max();
        let mut rows: BTreeMap<i64, Applied> = history.into_iter().map(|row| (row.version, row)).collect();
        let mut items: Vec<Item> = files
            .into_iter()
            .map(|file| {
                let state = state_of(&file, rows.remove(&file.version), newest);
                Item { version: file.version, description: file.description.clone(), file: Some(file), state }
            })
            .collect();
        items.extend(rows.into_values().map(|row| Item {
            version: row.version,
            description: row.description,
            file: None,
            state: if row.success { State::Missing { at: row.at } } else { State::Unfinished { at: row.at } },
        }));
        items.sort_by_key(|item| item.version);
        Self { items }
    }

    /// What is still to be applied, in order.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &Migration> {
        self.items
            .iter()
            .filter(|item| matches!(item.state, State::Pending | State::OutOfOrder { .. }))
            .filter_map(|item| item.file.as_ref())
    }

    /// The first thing that a person must put right before anything can be applied.
    pub(crate) fn obstacle(&self) -> Option<&Item> {
        self.items.iter().find(|item| match item.state {
            State::Edited { .. } | State::Unfinished { .. } | State::OutOfOrder { .. } => true,
            State::Applied { .. } | State::Pending | State::Missing { .. } => false,
        })
    }

    /// Applied once, but no longer on disk.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| matches!(item.state, State::Missing { .. }))
    }
}

fn state_of(file: &Migration, row: Option<Applied>, newest: Option<i64>) -> State {
    match (row, newest) {
        (Some(Applied { success: false, at, .. }), _) => State::Unfinished { at },
        (Some(row), _) if row.checksum != file.checksum => {
            State::Edited { at: row.at, applied: row.checksum }
        }
        (Some(row), _) => State::Applied { at: row.at },
        (None, Some(newest)) if newest > file.version => State::OutOfOrder { newest },
        (None, _) => State::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: i64, checksum: u8) -> Migration {
        Migration {
            version,
            description: format!("step {version}"),
            path: format!("{version:04}_step.sql").into(),
            sql: String::new(),
            checksum: vec![checksum],
        }
    }

    fn row(version: i64, checksum: u8) -> Applied {
        Applied {
            version,
            description: format!("step {version}"),
            checksum: vec![checksum],
            success: true,
            at: String::from("then"),
        }
    }

    fn words(plan: &Plan) -> Vec<(i64, &'static str)> {
        plan.items.iter().map(|item| (item.version, item.state.word())).collect()
    }

    #[test]
    fn files_without_a_row_are_pending() {
        let plan = Plan::compare(vec![file(1, 1), file(2, 2)], vec![row(1, 1)]);
        assert_eq!(words(&plan), [(1, "applied"), (2, "pending")]);
        assert_eq!(plan.pending().map(|m| m.version).collect::<Vec<_>>(), [2]);
        assert!(plan.obstacle().is_none());
    }

    #[test]
    fn another_checksum_is_an_edit_and_stops_everything() {
        let plan = Plan::compare(vec![file(1, 9), file(2, 2)], vec![row(1, 1)]);
        assert_eq!(words(&plan), [(1, "edited"), (2, "pending")]);
        assert_eq!(plan.obstacle().map(|item| item.version), Some(1));
    }

    #[test]
    fn a_row_without_a_file_is_missing_and_stops_nothing() {
        let plan = Plan::compare(vec![file(2, 2)], vec![row(1, 1)]);
        assert_eq!(words(&plan), [(1, "missing"), (2, "pending")]);
        assert!(plan.obstacle().is_none());
        assert_eq!(plan.missing().count(), 1);
    }

    #[test]
    fn a_file_older_than_what_is_applied_is_out_of_order() {
        let plan = Plan::compare(vec![file(1, 1), file(2, 2), file(3, 3)], vec![row(1, 1), row(3, 3)]);
        assert_eq!(words(&plan), [(1, "applied"), (2, "out-of-order"), (3, "applied")]);
        assert_eq!(plan.obstacle().map(|item| item.version), Some(2));
    }

    #[test]
    fn a_row_that_did_not_succeed_is_unfinished_with_or_without_its_file() {
        let broken = Applied { success: false, ..row(1, 1) };
        let with = Plan::compare(vec![file(1, 1)], vec![broken.clone()]);
        let without = Plan::compare(vec![], vec![broken]);
        assert_eq!((words(&with), words(&without)), (vec![(1, "unfinished")], vec![(1, "unfinished")]));
        assert!(with.obstacle().is_some() && without.obstacle().is_some());
    }
}
