//! Where the books are: store's database, and the provider's ledger.

use std::fs;
use std::path::Path;
use std::str::FromStr as _;

use anyhow::Context as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::migration::DatabaseAccess;

const DATABASE: &str = "store_db";

/// Store's database as its runtime role sees it, in the stack or where a file says.
pub(super) async fn open(cx: Option<&Context>, url_file: Option<&Path>) -> anyhow::Result<PgConnection> {
    let access = match (url_file, cx) {
        (Some(file), _) => elsewhere(file)?,
        (None, Some(cx)) => of_stack(cx)?,
        (None, None) => unreachable!("without a stack the database is named"),
    };
    access.connect().await.map_err(|error| CliError::from(error).into())
}

fn elsewhere(file: &Path) -> anyhow::Result<DatabaseAccess> {
    let url = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let Ok(options) = PgConnectOptions::from_str(url.trim()) else {
        // The URL carries a password: it is not shown.
        let message = format!("{} holds no URL of a PostgreSQL database", file.display());
        return Err(CliError::new(ExitStatus::Usage, message)
            .help("postgres://user:password@host/db")
            .into());
    };
    Ok(DatabaseAccess::with_options(DATABASE, options))
}

fn of_stack(cx: &Context) -> anyhow::Result<DatabaseAccess> {
    let Some(database) = cx.stack.databases.get(DATABASE) else {
        let message = format!("the stack has no database `{DATABASE}`");
        return Err(CliError::new(ExitStatus::Config, message).into());
    };
    let password = cx.secrets.database_app(DATABASE).context("read the runtime role's password")?;
    Ok(DatabaseAccess::app(DATABASE, database.port, &password))
}
