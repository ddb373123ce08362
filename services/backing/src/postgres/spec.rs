//! What a cluster shall be.

use std::collections::BTreeMap;
use std::path::PathBuf;

use thiserror::Error;

use crate::secret::Secret;

/// PostgreSQL cuts longer identifiers silently (`NAMEDATALEN` - 1).
const LONGEST_NAME: usize = 63;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    pub password: Secret,
}

/// One cluster with one database: the owner changes its schema, the app role only its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSpec {
    /// The data directory; its parent must be reachable by the server's user.
    pub data: PathBuf,
    pub port: u16,
    pub database: String,
    pub superuser_password: Secret,
    pub owner: Role,
    pub app: Role,
    /// Server settings that override ours, except where the server listens.
    pub settings: BTreeMap<String, String>,
}

#[derive(Debug, Error)]
#[error(
    "`{name}` cannot name {what}: use lower-case letters, digits and `_`, a letter first, at most {LONGEST_NAME} \
     characters, and nothing that PostgreSQL keeps for itself"
)]
pub struct InvalidName {
    pub what: &'static str,
    pub name: String,
}

impl ClusterSpec {
    pub(crate) fn check_names(&self) -> Result<(), InvalidName> {
        let names =
            [("a database", &self.database), ("a role", &self.owner.name), ("a role", &self.app.name)];
        for (what, name) in names {
            if !is_plain(name) || is_reserved(name) {
                return Err(InvalidName { what, name: name.clone() });
            }
        }
        if self.owner.name == self.app.name {
            return Err(InvalidName { what: "both the owner and the app role", name: self.app.name.clone() });
        }
        Ok(())
    }
}

/// Names that need no quoting anywhere: in SQL, in a URL, in a file's name.
fn is_plain(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

fn is_reserved(name: &str) -> bool {
    name.starts_with("pg_") || ["postgres", "template0", "template1", "public", "none"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_break_out_of_a_statement_are_not_plain() {
        for name in ["auth_db", "a", "chat2_owner"] {
            assert!(is_plain(name) && !is_reserved(name), "{name}");
        }
        for name in ["", "Auth", "a-b", "a\"b", "a b", "1a", "_a", "도란", "a\nb", &"a".repeat(64)] {
            assert!(!is_plain(name), "{name}");
        }
        for name in ["postgres", "template1", "pg_monitor", "public"] {
            assert!(is_reserved(name), "{name}");
        }
    }
}
