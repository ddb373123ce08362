//! Databases, directories and questions for the tests beside it.

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use tempfile::TempDir;
use testkit::TestDb;

use crate::migration::{DatabaseAccess, MigrationError, Outcome, up_one};

pub(super) const DATABASES: [&str; 5] = ["auth_db", "batch_db", "chat_db", "store_db", "user_db"];

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn owner(db: &TestDb, name: &str) -> DatabaseAccess {
    let options: PgConnectOptions = db.owner_url().parse().unwrap();
    DatabaseAccess::with_options(name, options)
}

/// A database without a table.
pub(super) async fn empty(name: &str) -> (TestDb, DatabaseAccess) {
    let db = TestDb::empty(name).await;
    let access = owner(&db, name);
    (db, access)
}

pub(super) async fn ask<T>(connection: &mut PgConnection, sql: &'static str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

pub(super) fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, sql) in files {
        fs::write(directory.path().join(name), sql).unwrap();
    }
    directory
}

pub(super) async fn up(access: &DatabaseAccess, directory: &Path) -> Result<Outcome, MigrationError> {
    up_one(access, directory, &|_| ()).await
}

pub(super) fn versions(outcome: &Outcome) -> Vec<i64> {
    outcome.applied.iter().map(|file| file.version).collect()
}
