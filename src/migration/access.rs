//! Where a database of the stack is, and as whom to open it.

use std::io;
use std::time::Duration;

use backing::secret::Secret;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};

use super::MigrationError;
use crate::secrets::roles;

/// A server that is there answers in milliseconds; one that hangs should not hang us.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// A database and the role that opens it.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseAccess {
    name: String,
    options: PgConnectOptions,
}

impl DatabaseAccess {
    /// The stack's own database `name` on this machine's loopback, as the role that may do DDL.
    pub(crate) fn owner(name: &str, port: u16, password: &Secret) -> Self {
        Self::of_stack(name, port, &roles(name).0, password)
    }

    /// The same as the role that services have, which changes rows only.
    pub(crate) fn app(name: &str, port: u16, password: &Secret) -> Self {
        Self::of_stack(name, port, &roles(name).1, password)
    }

    fn of_stack(name: &str, port: u16, role: &str, password: &Secret) -> Self {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(role)
            .password(password.expose())
            .database(name)
            // Loopback only, and the start-up question about TLS costs a round trip.
            .ssl_mode(PgSslMode::Disable);
        Self::with_options(name, options)
    }

    /// A database that goes by `name` in the stack, wherever it really is.
    pub(crate) fn with_options(name: &str, options: PgConnectOptions) -> Self {
        let options = options.application_name(&format!("doran (pid {})", std::process::id()));
        Self { name: name.to_owned(), options }
    }

    /// The stack's name of the database.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Opens one connection.
    ///
    /// # Errors
    /// When nobody listens, the server is not ready, or it refuses us: each told apart.
    pub(crate) async fn connect(&self) -> Result<PgConnection, MigrationError> {
        let attempt = tokio::time::timeout(CONNECT_LIMIT, PgConnection::connect_with(&self.options));
        let source = match attempt.await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(source)) => source,
            Err(_elapsed) => sqlx::Error::Io(io::ErrorKind::TimedOut.into()),
        };
        let database = self.name.clone();
        let address = format!("{}:{}", self.options.get_host(), self.options.get_port());
        Err(match &source {
            sqlx::Error::Io(_) => MigrationError::NotRunning { database, address, source },
            // cannot_connect_now: starting up, shutting down, or recovering.
            sqlx::Error::Database(refusal) if refusal.code().as_deref() == Some("57P03") => {
                MigrationError::NotReady { database, address, source }
            }
            _ => MigrationError::Refused { database, address, source },
        })
    }
}
