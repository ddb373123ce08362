//! Connections to the shared server, and the statements that cannot be bound.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};

/// How long one attempt to connect may take on a machine that is busy with compiling.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How to reach a database of the shared server. Sets every field: the driver would take what is missing from `PG*`
/// variables.
pub(super) fn options(port: u16, role: &str, password: &str, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username(role)
        .password(password)
        .database(database)
        .ssl_mode(PgSslMode::Disable)
        .application_name("testkit")
}

pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    tokio::time::timeout(PATIENCE, options.connect())
        .await
        .unwrap_or_else(|_elapsed| Err(sqlx::Error::PoolTimedOut))
}

/// Runs statements made of names and literals that this crate or `backing` quoted: the only place that says so.
pub(super) async fn run(
    connection: &mut PgConnection,
    statements: impl IntoIterator<Item = String>,
) -> Result<(), sqlx::Error> {
    for statement in statements {
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    Ok(())
}

/// Whether the server went away, as it does when nobody needed it just before we came: then starting over helps.
pub(super) fn is_gone(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref()).any(|error| match error {
        sqlx::Error::Io(_) => true,
        // 57P01 admin_shutdown, 57P03 cannot_connect_now.
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P01" | "57P03")),
        _ => false,
    })
}
