//! What can go wrong with a migration, and what the reader can do about it.

use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use sqlx::postgres::{PgDatabaseError, PgErrorPosition};
use thiserror::Error;

use super::excerpt::Excerpt;
use super::{Item, Migration, SourceError, State, lock};
use crate::error::{CliError, ExitStatus};

#[derive(Debug, Error)]
pub(crate) enum MigrationError {
    #[error("{database} is not running on {address}")]
    NotRunning { database: String, address: String, source: sqlx::Error },
    #[error("{database} on {address} is not ready")]
    NotReady { database: String, address: String, source: sqlx::Error },
    #[error("{database} on {address} refuses the connection")]
    Refused { database: String, address: String, source: sqlx::Error },
    #[error("{database}: cannot take the migration lock")]
    Lock { database: String, source: sqlx::Error },
    #[error("{database}: gave up after {}s: {holder} holds the migration lock", waited.as_secs())]
    Held { database: String, holder: String, waited: Duration },
    #[error("{database}: cannot read the migration history")]
    History { database: String, source: sqlx::Error },
    #[error("{database}: {source}")]
    Source { database: String, source: SourceError },
    #[error(
        "{database}: {file} was edited after it was applied at {at}\n  applied  {}\n  on disk  {}",
        hex(applied),
        hex(on_disk)
    )]
    Edited { database: String, file: String, at: String, applied: Vec<u8>, on_disk: Vec<u8> },
    #[error("{database}: migration {version} ({description}) broke off half-way at {at}")]
    Unfinished { database: String, version: i64, description: String, at: String },
    #[error("{database}: {file} is pending, but the newer migration {newest} is applied already")]
    OutOfOrder { database: String, file: String, newest: i64 },
    #[error("{database}: {0}", database = .0.database)]
    Statement(Box<StatementError>),
}

/// PostgreSQL refused a statement of a migration file.
#[derive(Debug)]
pub(crate) struct StatementError {
    pub database: String,
    pub path: PathBuf,
    /// Nothing of the file stays when it ran in a transaction.
    pub rolled_back: bool,
    pub excerpt: Option<Excerpt>,
    /// Further words of the server: detail, hint and context.
    remarks: Vec<String>,
    message: String,
    code: Option<String>,
}

impl StatementError {
    pub(super) fn new(database: &str, migration: &Migration, error: &sqlx::Error) -> Self {
        let server = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
        let excerpt = match server.and_then(PgDatabaseError::position) {
            Some(PgErrorPosition::Original(position)) => Excerpt::at(&migration.sql, position),
            Some(PgErrorPosition::Internal { .. }) | None => None,
        };
        let remark = |label: &str, text: Option<&str>| text.map(|text| format!("{label}: {text}"));
        Self {
            database: database.to_owned(),
            path: migration.path.clone(),
            rolled_back: !migration.is_bare(),
            excerpt,
            remarks: [
                remark("detail", server.and_then(PgDatabaseError::detail)),
                remark("hint", server.and_then(PgDatabaseError::hint)),
                remark("where", server.and_then(PgDatabaseError::r#where)),
            ]
            .into_iter()
            .flatten()
            .collect(),
            message: server.map_or_else(|| error.to_string(), |server| server.message().to_owned()),
            code: server.map(|server| server.code().to_owned()),
        }
    }
}

impl fmt::Display for StatementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(Excerpt { line, column, .. }) = &self.excerpt {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        self.remarks.iter().try_for_each(|remark| write!(f, "\n  {remark}"))
    }
}

impl std::error::Error for StatementError {}

impl MigrationError {
    /// What stands in the way, told from the plan.
    pub(super) fn obstacle(database: &str, item: &Item) -> Option<Self> {
        let database = database.to_owned();
        let file = item.file.as_ref().map(Migration::file_name).unwrap_or_default();
        match &item.state {
            State::Edited { at, applied } => Some(Self::Edited {
                database,
                file,
                at: at.clone(),
                applied: applied.clone(),
                on_disk: item.file.as_ref().map(|file| file.checksum.clone()).unwrap_or_default(),
            }),
            State::Unfinished { at } => {
                let (version, description) = (item.version, item.description.clone());
                Some(Self::Unfinished { database, version, description, at: at.clone() })
            }
            State::OutOfOrder { newest } => Some(Self::OutOfOrder { database, file, newest: *newest }),
            State::Applied { .. } | State::Pending | State::Missing { .. } => None,
        }
    }

    /// The exit code this failure has.
    pub(crate) fn status(&self) -> ExitStatus {
        match self {
            Self::NotRunning { .. } | Self::NotReady { .. } => ExitStatus::NotRunning,
            Self::Held { .. } => ExitStatus::Conflict,
            Self::Source { source: SourceError::Directory { .. }, .. } => ExitStatus::Config,
            Self::Refused { .. }
            | Self::Lock { .. }
            | Self::History { .. }
            | Self::Source { .. }
            | Self::Edited { .. }
            | Self::Unfinished { .. }
            | Self::OutOfOrder { .. }
            | Self::Statement(_) => ExitStatus::Failure,
        }
    }

    /// Why, where the message itself does not say it.
    fn cause(&self) -> Option<String> {
        match self {
            // sqlx's own words about a refused connection say less than the system's.
            Self::NotRunning { source: sqlx::Error::Io(source), .. }
            | Self::Source {
                source: SourceError::Directory { source, .. } | SourceError::File { source, .. },
                ..
            } => Some(source.to_string()),
            Self::NotRunning { source, .. }
            | Self::NotReady { source, .. }
            | Self::Refused { source, .. }
            | Self::Lock { source, .. }
            | Self::History { source, .. } => Some(source.to_string()),
            Self::Source { .. }
            | Self::Held { .. }
            | Self::Edited { .. }
            | Self::Unfinished { .. }
            | Self::OutOfOrder { .. }
            | Self::Statement(_) => None,
        }
    }

    /// What to do next, where that can be said.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::NotRunning { database, .. } => Some(format!("start it: `doran up {database}`")),
            Self::NotReady { database, .. } => Some(format!("wait for it: `doran wait {database}`")),
            Self::Refused { .. } => Some(String::from(
                "another server may have taken the port, or the data is older than the secrets of this instance",
            )),
            Self::Held { .. } => Some(String::from("let it finish, or end it, and try again")),
            Self::Edited { database, file, .. } => Some(format!(
                "applied migrations stay as they are: restore {file} (`git log -p -- '*/{file}'`) and put the \
                 change into a new one: `doran migrate new --db {database} WHAT`"
            )),
            Self::Unfinished { version, .. } => Some(format!(
                "finish or undo by hand what it did, then delete row {version} of _sqlx_migrations or set its \
                 success to true"
            )),
            Self::OutOfOrder { newest, .. } => {
                Some(format!("nothing was applied; give the file a number above {newest}"))
            }
            Self::Statement(statement) => Some(statement.help()),
            Self::Lock { .. } | Self::History { .. } | Self::Source { .. } => None,
        }
    }
}

impl StatementError {
    fn help(&self) -> String {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        let database = &self.database;
        let state = if self.rolled_back {
            format!("nothing of {file} was applied to {database}")
        } else {
            format!("{file} runs outside a transaction: look at what it did to {database}")
        };
        if self.code.as_deref() == Some(lock::LOCK_NOT_AVAILABLE) {
            return format!("{state}; a busy session holds a table it needs: try again");
        }
        format!("{state}; correct the file and run `doran migrate up --db {database}`")
    }
}

impl From<MigrationError> for CliError {
    fn from(error: MigrationError) -> Self {
        let message = error.cause().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        Self { status: error.status(), message, help: error.help() }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // A `String` takes whatever it is given.
        text
    })
}
