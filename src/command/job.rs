//! The hidden verb behind the jobs of the start plan: init, migrate and seed one database.

use anyhow::Context as _;
use backing::postgres::{self, Preparation};

use crate::cli::{JobArgs, JobCommand};
use crate::command::supervisor;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::migration::{self, DatabaseAccess, Notice};
use crate::output::Printer;
use crate::seed;
use crate::stack::Database;
use crate::supervisor::facts::Servers;

pub(super) async fn run(args: &JobArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let cx = supervisor::context(&args.stack)?;
    match &args.job {
        JobCommand::Init { db } => init(&cx, db, out)?,
        JobCommand::Migrate { db } => migrate(&cx, db, out).await?,
        JobCommand::Seed { db } => seed(&cx, db, out).await?,
    }
    Ok(ExitStatus::Success)
}

fn database<'cx>(cx: &'cx Context, name: &str) -> anyhow::Result<&'cx Database> {
    cx.stack.databases.get(name).with_context(|| format!("the stack has no database `{name}`"))
}

fn init(cx: &Context, name: &str, out: &Printer) -> anyhow::Result<()> {
    let servers = Servers::find(&cx.layout)?;
    let cluster = servers.cluster(name, database(cx, name)?, &cx.secrets)?;
    postgres::clear_stale_lock(&cluster.data)?;
    match postgres::prepare(&servers.installation, servers.user.as_ref(), &cluster)? {
        Preparation::Created => out.line(format_args!("created the cluster of {name}"))?,
        Preparation::Existing => out.line(format_args!("the cluster of {name} is there"))?,
    }
    Ok(())
}

fn access(cx: &Context, name: &str) -> anyhow::Result<DatabaseAccess> {
    let password = cx.secrets.database_owner(name)?;
    Ok(DatabaseAccess::owner(name, database(cx, name)?.port, &password))
}

async fn migrate(cx: &Context, name: &str, out: &Printer) -> anyhow::Result<()> {
    let say = |notice| match notice {
        Notice::Waiting { holder } => out.note(format_args!("waiting for {holder}, who migrates {name}")),
        Notice::Applying { file, number, of } => out.note(format_args!("applying {file} ({number} of {of})")),
        Notice::Applied { file, took } => out.note(format_args!("applied {file} in {} ms", took.as_millis())),
    };
    let outcome = migration::up_one(&access(cx, name)?, &database(cx, name)?.migrations, &say)
        .await
        .map_err(CliError::from)?;
    out.line(format_args!("{} migrations applied to {name}", outcome.applied.len()))?;
    Ok(())
}

async fn seed(cx: &Context, name: &str, out: &Printer) -> anyhow::Result<()> {
    let report =
        seed::fill(&access(cx, name)?, seed::Request::Demo, &|_| {}).await.map_err(CliError::from)?;
    out.line(format_args!("{} rows of demo data added to {name}", report.rows()))?;
    Ok(())
}
