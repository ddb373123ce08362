//! The migration files of one database: `NNNN_what.sql`, forward only.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use thiserror::Error;

/// A migration file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Migration {
    pub version: i64,
    /// The name's words, as sqlx writes them into its history.
    pub description: String,
    pub path: PathBuf,
    pub sql: String,
    /// SHA-384 of the text, as sqlx computes it.
    pub checksum: Vec<u8>,
}

impl Migration {
    /// The file's name alone, which is how messages call it.
    pub(crate) fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether it asked to run outside a transaction, which `create index concurrently` needs.
    pub(crate) fn is_bare(&self) -> bool {
        self.sql.starts_with("-- no-transaction")
    }
}

/// Why the files cannot be used.
#[derive(Debug, Error)]
pub(crate) enum SourceError {
    #[error("cannot read the migrations in {}", directory.display())]
    Directory { directory: PathBuf, source: io::Error },
    #[error("cannot read {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is not named like 0001_what_it_does.sql", path.display())]
    Name { path: PathBuf },
    #[error("{} undoes a migration, but migrations go forward only: write the next number", path.display())]
    Reversible { path: PathBuf },
    #[error("{} and {} have the same number: rename the newer one", first.display(), second.display())]
    Duplicate { first: PathBuf, second: PathBuf },
    #[error("a description needs a letter or a digit")]
    Description,
}

/// Every migration in `directory`, in order of version.
///
/// sqlx passes over files whose names it does not understand; here they are errors, because a migration that
/// silently never runs is found too late.
///
/// # Errors
/// When the directory or a file cannot be read, or a name is wrong or taken twice.
pub(crate) fn read_directory(directory: &Path) -> Result<Vec<Migration>, SourceError> {
    let unreadable = |source| SourceError::Directory { directory: directory.to_owned(), source };
    let mut found: BTreeMap<i64, Migration> = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_none_or(|extension| extension != "sql") {
            continue;
        }
        let migration = read(path)?;
        if let Some(other) = found.get(&migration.version) {
            let (first, second) = (other.path.clone(), migration.path);
            return Err(SourceError::Duplicate { first, second });
        }
        found.insert(migration.version, migration);
    }
    Ok(found.into_values().collect())
}

fn read(path: PathBuf) -> Result<Migration, SourceError> {
    let Some((version, description)) = path.file_stem().and_then(|stem| parse_stem(stem.to_str()?)) else {
        return Err(SourceError::Name { path });
    };
    if matches!(Path::new(&description).extension().and_then(|part| part.to_str()), Some("up" | "down")) {
        return Err(SourceError::Reversible { path });
    }
    match fs::read_to_string(&path) {
        Ok(sql) => Ok(Migration { version, description, checksum: checksum(&sql), sql, path }),
        Err(source) => Err(SourceError::File { path, source }),
    }
}

/// `0002_chat_rooms` is version 2, "chat rooms".
fn parse_stem(stem: &str) -> Option<(i64, String)> {
    let (number, what) = stem.split_once('_')?;
    if what.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let version = number.parse().ok().filter(|version| *version > 0)?;
    Some((version, what.replace('_', " ")))
}

fn checksum(sql: &str) -> Vec<u8> {
    digest::digest(&digest::SHA384, sql.as_bytes()).as_ref().to_vec()
}

/// The path that the next migration of `directory` gets for a description in words.
///
/// # Errors
/// When the present files cannot be read, or the description holds nothing to name a file by.
pub(crate) fn next_file(directory: &Path, words: &str) -> Result<PathBuf, SourceError> {
    let newest = read_directory(directory)?.last().map_or(0, |migration| migration.version);
    let name = words
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join("_");
    if name.is_empty() {
        return Err(SourceError::Description);
    }
    Ok(directory.join(format!("{:04}_{name}.sql", newest + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            fs::write(directory.path().join(file), "select 1;\n").unwrap();
        }
        directory
    }

    #[test]
    fn files_come_in_order_of_number_and_others_are_left_alone() {
        let directory = directory(&["0010_b.sql", "0002_chat_rooms.sql", "README.md"]);
        let found = read_directory(directory.path()).unwrap();
        let listed: Vec<_> = found.iter().map(|m| (m.version, m.description.as_str())).collect();
        assert_eq!(listed, [(2, "chat rooms"), (10, "b")]);
    }

    #[test]
    fn names_that_would_never_run_are_refused() {
        for name in ["rooms.sql", "x1_rooms.sql", "0000_rooms.sql", "0001_.sql", "-1_rooms.sql"] {
            let error = read_directory(directory(&[name]).path()).unwrap_err();
            assert!(matches!(error, SourceError::Name { .. }), "{name}: {error}");
        }
        let error = read_directory(directory(&["0001_rooms.down.sql"]).path()).unwrap_err();
        assert!(matches!(error, SourceError::Reversible { .. }), "{error}");
    }

    #[test]
    fn one_number_twice_is_refused() {
        let error = read_directory(directory(&["0001_a.sql", "1_b.sql"]).path()).unwrap_err();
        assert!(matches!(error, SourceError::Duplicate { .. }), "{error}");
    }

    #[test]
    fn the_next_file_follows_the_newest_and_is_named_by_the_words() {
        let directory = directory(&["0009_a.sql"]);
        let path = next_file(directory.path(), "Add order-index, twice").unwrap();
        assert_eq!(path.file_name().unwrap(), "0010_add_order_index_twice.sql");
        assert!(matches!(next_file(directory.path(), " -- "), Err(SourceError::Description)));
    }

    #[test]
    fn checksums_are_sqlxs() {
        let ours = checksum("select 1;\n");
        let theirs = sqlx::migrate::Migration::new(
            1,
            "x".into(),
            sqlx::migrate::MigrationType::Simple,
            sqlx::SqlStr::from_static("select 1;\n"),
            false,
        );
        assert_eq!(ours, *theirs.checksum);
    }
}
