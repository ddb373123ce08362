//! `doran psql DB`: psql on a database of the stack, without looking up a port or a password.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::cli::PsqlArgs;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::secrets::roles;

/// Becomes psql; returns only when that fails.
pub(super) fn run(cx: &Context, args: &PsqlArgs) -> anyhow::Result<ExitStatus> {
    let Some(database) = cx.stack.databases.get(&args.db) else {
        let known: Vec<&str> = cx.stack.databases.keys().map(String::as_str).collect();
        return Err(CliError::new(ExitStatus::Usage, format!("there is no database `{}`", args.db))
            .help(format!("the stack has {}", known.join(", ")))
            .into());
    };
    let (owner, app) = roles(&args.db);
    let (user, password) = if args.owner {
        (owner, cx.secrets.database_owner(&args.db)?)
    } else {
        (app, cx.secrets.database_app(&args.db)?)
    };
    let error = Command::new("psql")
        .args(["--host", "127.0.0.1", "--port", &database.port.to_string(), "--username", &user])
        .args(["--dbname", &args.db])
        .args(&args.args)
        .env("PGPASSWORD", password.expose())
        .exec();
    Err(CliError::new(ExitStatus::Config, format!("cannot start psql: {error}"))
        .help("install PostgreSQL's client, for example `apt-get install postgresql-client`")
        .into())
}
