//! Why seeding failed, and what to do about it.

use thiserror::Error;

use crate::error::{CliError, ExitStatus};
use crate::migration::MigrationError;

#[derive(Debug, Error)]
pub(crate) enum SeedError {
    #[error(transparent)]
    Connection(MigrationError),
    #[error("{database} lacks the table {table}: its migrations are not applied")]
    NotMigrated { database: String, table: String },
    #[error("{database}: cannot fill {table}")]
    Database { database: String, table: String, source: sqlx::Error },
}

impl SeedError {
    /// SQLSTATE 42P01, `undefined_table`, means that the schema is older than the seed.
    pub(super) fn of(database: &str, table: &str, source: sqlx::Error) -> Self {
        let code =
            source.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        let (database, table) = (database.to_owned(), table.to_owned());
        match code.as_deref() {
            Some("42P01" | "42703" | "42883") => Self::NotMigrated { database, table },
            _ => Self::Database { database, table, source },
        }
    }
}

impl From<SeedError> for CliError {
    fn from(error: SeedError) -> Self {
        match error {
            SeedError::Connection(error) => error.into(),
            SeedError::NotMigrated { ref database, .. } => {
                let help = format!("`doran migrate up --db {database}`");
                Self::new(ExitStatus::Failure, error.to_string()).help(help)
            }
            SeedError::Database { ref source, .. } => {
                Self::new(ExitStatus::Failure, format!("{error}: {source}"))
            }
        }
    }
}
