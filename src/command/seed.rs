//! `doran seed`: demo or load data, into all databases at once.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde::Serialize;

use super::migrate::{Target, fail_with, select};
use crate::cli::{SeedArgs, SeedProfile};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::migration::{Board, Line};
use crate::output::Printer;
use crate::seed::{self, Account, Progress, Report, Request, SeedError};

/// Raised when the document changes its meaning.
const SCHEMA: &str = "doran.seed/1";

pub(crate) async fn run(cx: &Context, args: &SeedArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let request = match args.profile {
        SeedProfile::Demo => Request::Demo,
        SeedProfile::Load => Request::Load { users: args.users, number: args.seed },
    };
    let targets = select(cx, &args.db)?;
    let start = Instant::now();
    let board = Board::new(out);
    let runs = targets.iter().map(|target| fill(target, request, board.line(target.name())));
    let results = join_all(runs).await;
    drop(board);
    let mut items = Vec::new();
    let mut failures = Vec::new();
    for (target, result) in targets.iter().zip(results) {
        match result {
            Ok(report) => items.extend(report.tables.iter().map(|table| Item {
                database: target.name().to_owned(),
                table: table.table,
                rows: table.rows,
            })),
            Err(error) => failures.push(error),
        }
    }
    print(&Document::new(request, items, start.elapsed()), out)?;
    fail_with(failures)?;
    Ok(ExitStatus::Success)
}

async fn fill(target: &Target<'_>, request: Request, line: Line<'_>) -> Result<Report, SeedError> {
    let result = seed::fill(&target.access, request, &|progress| match progress {
        Progress::Total(total) => line.expect(total),
        Progress::Table(table) => line.doing(table),
        Progress::Done(units) => line.advance(units),
    })
    .await;
    match &result {
        Ok(report) if report.rows() == 0 => line.finish("nothing to add"),
        Ok(report) => line.finish(&format!("{} rows in {:.1} s", report.rows(), report.took.as_secs_f64())),
        Err(_) => line.finish("failed"),
    }
    result
}

/// What `--json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema: &'static str,
    profile: &'static str,
    items: Vec<Item>,
    rows: u64,
    took_ms: u64,
    rows_per_second: u64,
    /// Demo accounts; of a load, the address of the first learner and the password of all.
    accounts: Vec<Login>,
}

#[derive(Serialize)]
struct Item {
    database: String,
    table: &'static str,
    rows: u64,
}

#[derive(Serialize)]
struct Login {
    email: String,
    password: &'static str,
    role: &'static str,
}

impl Document {
    fn new(request: Request, items: Vec<Item>, took: Duration) -> Self {
        let rows = items.iter().map(|item| item.rows).sum();
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (profile, accounts) = match request {
            Request::Demo => ("demo", seed::ACCOUNTS.iter().map(Login::demo).collect()),
            Request::Load { number, .. } => ("load", vec![Login::learner(number)]),
        };
        let rows_per_second = rows * 1_000 / took_ms.max(1);
        Self { schema: SCHEMA, profile, items, rows, took_ms, rows_per_second, accounts }
    }
}

impl Login {
    fn demo(account: &Account) -> Self {
        Self { email: account.email.to_owned(), password: account.password, role: account.role }
    }

    fn learner(number: u64) -> Self {
        Self { email: seed::email_of(number, 0), password: seed::LOAD_PASSWORD, role: "ROLE_USER" }
    }
}

fn print(document: &Document, out: &Printer) -> anyhow::Result<()> {
    if out.is_document() {
        return out.document(document);
    }
    let mut text = format!("{:<10} {:<18} {:>12}", "DATABASE", "TABLE", "ROWS");
    for item in &document.items {
        write!(text, "\n{:<10} {:<18} {:>12}", item.database, item.table, item.rows)?;
    }
    write!(text, "\n{:<10} {:<18} {:>12}", "all", "", document.rows)?;
    out.line(text)?;
    out.note(format_args!("{} ms, {} rows/s", document.took_ms, document.rows_per_second));
    for login in &document.accounts {
        out.note(format_args!("log in as {} with {} ({})", login.email, login.password, login.role));
    }
    Ok(())
}
