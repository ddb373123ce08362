//! `doran migrate [up|status|new]`: all databases at once, or those that `--db` names.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use futures_util::future::join_all;

use crate::cli::{MigrateArgs, MigrateCommand, MigrateStatusArgs, MigrateUpArgs};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::migration::{
    self, Board, DatabaseAccess, Line, MigrationError, Notice, Outcome, Plan, Report, Row,
};
use crate::output::Printer;
use crate::stack::{self, Database};

pub(crate) async fn run(cx: &Context, args: &MigrateArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    match &args.command {
        None => up(cx, &args.up, out).await,
        Some(MigrateCommand::Up(args)) => up(cx, args, out).await,
        Some(MigrateCommand::Status(args)) => status(cx, args, out).await,
        Some(MigrateCommand::New { db, what }) => new(cx, db, &what.join(" "), out),
    }
}

/// A database of the stack, chosen for this run.
pub(super) struct Target<'cx> {
    pub access: DatabaseAccess,
    pub database: &'cx Database,
}

impl Target<'_> {
    pub(super) fn name(&self) -> &str {
        self.access.name()
    }
}

/// The databases that `--db` names, or all of them.
pub(super) fn select<'cx>(cx: &'cx Context, names: &[String]) -> anyhow::Result<Vec<Target<'cx>>> {
    for name in names {
        known(cx, name)?;
    }
    cx.stack
        .databases
        .iter()
        .filter(|(name, _)| names.is_empty() || names.contains(name))
        .map(|(name, database)| {
            let password = cx.secrets.database_owner(name).context("read the owner role's password")?;
            Ok(Target { access: DatabaseAccess::owner(name, database.port, &password), database })
        })
        .collect()
}

fn known<'cx>(cx: &'cx Context, name: &str) -> Result<&'cx Database, CliError> {
    cx.stack.databases.get(name).ok_or_else(|| {
        let error = CliError::new(ExitStatus::Usage, format!("the stack has no database `{name}`"));
        match stack::suggestion(name, cx.stack.databases.keys().map(String::as_str)) {
            Some(suggestion) => error.help(suggestion),
            None => error,
        }
    })
}

async fn up(cx: &Context, args: &MigrateUpArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    if args.dry_run {
        return dry_run(cx, args, out).await;
    }
    if args.exit_code {
        return Err(
            CliError::new(ExitStatus::Usage, "--exit-code goes with --dry-run or `migrate status`").into()
        );
    }
    let targets = select(cx, &args.db)?;
    let board = Board::new(out);
    let runs = targets.iter().map(|target| up_one(target, board.line(target.name())));
    let (outcomes, failures) = divide(&targets, join_all(runs).await);
    drop(board);
    for (target, outcome) in &outcomes {
        warn_missing(target.name(), &outcome.plan, out);
    }
    if out.is_document() {
        let applied = |(target, outcome): &(&Target<'_>, Outcome)| {
            outcome.applied.iter().map(|file| Row::applied(target.name(), file)).collect::<Vec<_>>()
        };
        out.document(&Report::new(outcomes.iter().flat_map(applied).collect()))?;
    }
    fail_with(failures)?;
    Ok(ExitStatus::Success)
}

async fn up_one(target: &Target<'_>, line: Line<'_>) -> Result<Outcome, MigrationError> {
    let outcome = migration::up_one(&target.access, &target.database.migrations, &|notice| {
        tell(&line, notice);
    })
    .await;
    match &outcome {
        Ok(outcome) if outcome.applied.is_empty() => line.finish("nothing to do"),
        Ok(outcome) => line.finish(&format!("{} applied", outcome.applied.len())),
        Err(_) => line.finish("failed"),
    }
    outcome
}

/// Shows what a run reports while it goes on.
pub(super) fn tell(line: &Line<'_>, notice: Notice) {
    match notice {
        Notice::Waiting { holder } => line.step(&format!("waiting: {holder} is migrating")),
        Notice::Applying { file, number, of } => line.doing(&format!("{number}/{of} {file}")),
        Notice::Applied { file, took } => line.step(&format!("applied {file} in {} ms", took.as_millis())),
    }
}

async fn dry_run(cx: &Context, args: &MigrateUpArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let targets = select(cx, &args.db)?;
    let (plans, mut failures) = inspect(&targets).await;
    for (target, plan) in &plans {
        warn_missing(target.name(), plan, out);
        failures.extend(plan.require_sound(target.name()).err());
    }
    let report = report(&plans).pending_only();
    print(&report, failures.is_empty().then_some("nothing is pending"), out)?;
    fail_with(failures)?;
    Ok(pending_status(args.exit_code && report.has_pending()))
}

async fn status(cx: &Context, args: &MigrateStatusArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let targets = select(cx, &args.db)?;
    let (plans, mut failures) = inspect(&targets).await;
    failures.extend(plans.iter().filter_map(|(target, plan)| plan.require_sound(target.name()).err()));
    let report = report(&plans);
    print(&report, failures.is_empty().then_some("no migrations"), out)?;
    fail_with(failures)?;
    Ok(pending_status(args.exit_code && report.has_pending()))
}

/// Writes the next migration file of a database and prints its path.
fn new(cx: &Context, db: &str, what: &str, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let path = migration::next_file(&known(cx, db)?.migrations, what)
        .map_err(|source| CliError::from(MigrationError::Source { database: db.to_owned(), source }))?;
    write_new(&path, what).with_context(|| format!("write {}", path.display()))?;
    if out.is_document() {
        out.document(&serde_json::json!({ "schema": "doran.migrate-new/1", "path": path }))?;
    } else {
        out.line(path.display())?;
    }
    Ok(ExitStatus::Success)
}

fn write_new(path: &Path, what: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    writeln!(file, "-- {what}.")
}

async fn inspect<'t, 'cx>(targets: &'t [Target<'cx>]) -> (Vec<(&'t Target<'cx>, Plan)>, Vec<MigrationError>) {
    let reads = targets.iter().map(|target| migration::inspect(&target.access, &target.database.migrations));
    divide(targets, join_all(reads).await)
}

/// Results beside their targets, failures apart: one broken database does not hide the others.
fn divide<'t, 'cx, T>(
    targets: &'t [Target<'cx>],
    results: Vec<Result<T, MigrationError>>,
) -> (Vec<(&'t Target<'cx>, T)>, Vec<MigrationError>) {
    let (mut good, mut failed) = (Vec::new(), Vec::new());
    for (target, result) in targets.iter().zip(results) {
        match result {
            Ok(value) => good.push((target, value)),
            Err(error) => failed.push(error),
        }
    }
    (good, failed)
}

/// One error of all failures: a real failure decides the exit code before a database that is only down.
pub(super) fn fail_with<E: Into<CliError>>(failures: Vec<E>) -> Result<(), CliError> {
    let mut errors: Vec<CliError> = failures.into_iter().map(Into::into).collect();
    errors.sort_by_key(|error| error.status == ExitStatus::NotRunning);
    let Some(status) = errors.first().map(|error| error.status) else {
        return Ok(());
    };
    let mut helps: Vec<String> = errors.iter().filter_map(|error| error.help.clone()).collect();
    helps.dedup();
    let messages: Vec<String> = errors.into_iter().map(|error| error.message).collect();
    let help = (!helps.is_empty()).then(|| helps.join("\nhelp: "));
    Err(CliError { status, message: messages.join("\n"), help })
}

fn pending_status(pending: bool) -> ExitStatus {
    if pending { ExitStatus::Pending } else { ExitStatus::Success }
}

fn warn_missing(database: &str, plan: &Plan, out: &Printer) {
    for item in plan.missing() {
        out.warn(format_args!(
            "{database}: migration {} ({}) is applied, but its file is gone",
            item.version, item.description
        ));
    }
}

fn report(plans: &[(&Target<'_>, Plan)]) -> Report {
    let rows = |(target, plan): &(&Target<'_>, Plan)| {
        plan.items.iter().map(|item| Row::planned(target.name(), item)).collect::<Vec<_>>()
    };
    Report::new(plans.iter().flat_map(rows).collect())
}

fn print(report: &Report, nothing: Option<&str>, out: &Printer) -> anyhow::Result<()> {
    if out.is_document() {
        return out.document(report);
    }
    match (report.is_empty(), nothing) {
        (false, _) => out.line(report)?,
        (true, Some(nothing)) => out.note(nothing),
        (true, None) => {}
    }
    Ok(())
}
