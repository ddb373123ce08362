//! Reads the history and applies what is pending, through sqlx's own bookkeeping.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, MigrationType};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqlSafeStr as _};

use super::plan::Applied;
use super::{DatabaseAccess, Migration, MigrationError, Plan, StatementError, lock, read_directory};

/// sqlx's name for its history table.
const HISTORY: &str = "_sqlx_migrations";
/// How long a statement may wait for a table while services run: a waiting DDL statement blocks whoever comes
/// behind it.
const TABLE_LOCK_LIMIT: Duration = Duration::from_secs(2);

/// What a run wants to be known while it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Somebody else migrates this database.
    Waiting {
        holder: String,
    },
    Applying {
        file: String,
        number: usize,
        of: usize,
    },
    Applied {
        file: String,
        took: Duration,
    },
}

/// A migration that this run applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppliedFile {
    pub version: i64,
    pub description: String,
    pub file: String,
    pub took: Duration,
}

/// What a run found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// As it stood before.
    pub plan: Plan,
    pub applied: Vec<AppliedFile>,
}

/// Applies everything that is pending in `directory`, in order, a transaction each.
///
/// # Errors
/// When the database cannot be reached or its lock had, when files and history disagree, or when a statement
/// fails; what was applied before it stays.
pub(crate) async fn up_one(
    access: &DatabaseAccess,
    directory: &Path,
    observe: &(dyn Fn(Notice) + Sync),
) -> Result<Outcome, MigrationError> {
    let files = read(access, directory)?;
    let mut connection = access.connect().await?;
    let waiting = |holder: &str| {
        observe(Notice::Waiting { holder: holder.to_owned() });
    };
    lock::acquire(&mut connection, access.name(), waiting).await?;
    // The lock ends with the session, also when this run is killed.
    let outcome = apply_pending(&mut connection, access.name(), files, observe).await;
    close(connection).await;
    outcome
}

/// Compares files and history in a read-only transaction: changes nothing, waits for no lock.
///
/// # Errors
/// When the database cannot be reached, or files or history not read. Disagreement of the two is no error here.
pub(crate) async fn inspect(access: &DatabaseAccess, directory: &Path) -> Result<Plan, MigrationError> {
    let files = read(access, directory)?;
    let mut connection = access.connect().await?;
    let history = read_only_history(&mut connection).await;
    close(connection).await;
    let history =
        history.map_err(|source| MigrationError::History { database: access.name().to_owned(), source })?;
    Ok(Plan::compare(files, history))
}

impl Plan {
    /// The plan, unless something in it must be put right by a person first.
    ///
    /// # Errors
    /// When a file was edited, comes out of order, or broke off half-way.
    pub(crate) fn require_sound(&self, database: &str) -> Result<(), MigrationError> {
        match self.obstacle().and_then(|item| MigrationError::obstacle(database, item)) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

async fn apply_pending(
    connection: &mut PgConnection,
    database: &str,
    files: Vec<Migration>,
    observe: &(dyn Fn(Notice) + Sync),
) -> Result<Outcome, MigrationError> {
    let history = read_history(connection)
        .await
        .map_err(|source| MigrationError::History { database: database.to_owned(), source })?;
    let plan = Plan::compare(files, history);
    plan.require_sound(database)?;
    let of = plan.pending().count();
    let mut applied = Vec::with_capacity(of);
    if of > 0 {
        prepare(connection).await.map_err(|error| MigrationError::History {
            database: database.to_owned(),
            source: into_sqlx(error),
        })?;
    }
    for (index, migration) in plan.pending().enumerate() {
        let file = migration.file_name();
        observe(Notice::Applying { file: file.clone(), number: index + 1, of });
        let took = connection.apply(HISTORY, &sqlx_migration(migration)).await.map_err(|error| {
            MigrationError::Statement(Box::new(StatementError::new(database, migration, &into_sqlx(error))))
        })?;
        observe(Notice::Applied { file: file.clone(), took });
        applied.push(AppliedFile {
            version: migration.version,
            description: migration.description.clone(),
            file,
            took,
        });
    }
    Ok(Outcome { plan, applied })
}

fn read(access: &DatabaseAccess, directory: &Path) -> Result<Vec<Migration>, MigrationError> {
    read_directory(directory)
        .map_err(|source| MigrationError::Source { database: access.name().to_owned(), source })
}

async fn prepare(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let settings =
        format!("set lock_timeout = {}; set client_min_messages = warning", TABLE_LOCK_LIMIT.as_millis());
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut *connection).await?;
    connection.ensure_migrations_table(HISTORY).await
}

async fn read_only_history(connection: &mut PgConnection) -> Result<Vec<Applied>, sqlx::Error> {
    sqlx::raw_sql("begin transaction read only").execute(&mut *connection).await?;
    let history = read_history(&mut *connection).await?;
    sqlx::raw_sql("rollback").execute(&mut *connection).await?;
    Ok(history)
}

async fn read_history(connection: &mut PgConnection) -> Result<Vec<Applied>, sqlx::Error> {
    let exists: bool = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(HISTORY)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        r#"select version, description, checksum, success,
                  to_char(installed_on at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
           from _sqlx_migrations
           order by version"#,
    )
    .fetch_all(connection)
    .await?;
    rows.iter().map(applied_row).collect()
}

fn applied_row(row: &PgRow) -> Result<Applied, sqlx::Error> {
    Ok(Applied {
        version: row.try_get(0)?,
        description: row.try_get(1)?,
        checksum: row.try_get(2)?,
        success: row.try_get(3)?,
        at: row.try_get(4)?,
    })
}

fn sqlx_migration(migration: &Migration) -> sqlx::migrate::Migration {
    sqlx::migrate::Migration::new(
        migration.version,
        migration.description.clone().into(),
        MigrationType::Simple,
        AssertSqlSafe(migration.sql.clone()).into_sql_str(),
        migration.is_bare(),
    )
}

/// Of its many kinds, applying and preparing only meet failures of the database.
fn into_sqlx(error: MigrateError) -> sqlx::Error {
    match error {
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => source,
        other => sqlx::Error::Migrate(Box::new(other)),
    }
}

/// Says goodbye, so that the server's log shows no broken connection; how it answers no longer matters.
async fn close(connection: PgConnection) {
    let _ = connection.close().await;
}
