//! `doran health`: asks every unit itself, not only the supervisor's last probe.

use std::time::Duration;

use anyhow::Context as _;
use comfy_table::{Table, presets};
use futures_util::future::join_all;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::cli::UnitNames;
use crate::command::waiting;
use crate::context::Context;
use crate::error::ExitStatus;
use crate::output::Printer;
use crate::stack::Probe;
use crate::supervisor::client::Client;
use crate::supervisor::report::UnitReport;
use crate::supervisor::unit::Kind;

/// A healthy local unit answers in milliseconds.
const LIMIT: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    items: Vec<Health>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    name: String,
    status: Status,
    /// Milliseconds until the answer.
    took_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Up,
    Down,
}

/// Exit code 0 when every unit that is wanted is up, 1 otherwise.
pub(super) async fn run(cx: &Context, args: &UnitNames, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let client = Client::require(&cx.layout, &cx.stack.instance).await?;
    let state = client.state().await?;
    let named = waiting::named(&state, &args.units)?;
    // Who is asked for by name is asked, wanted or not.
    let asked = |unit: &&UnitReport| match named.as_slice() {
        [] => unit.wanted && unit.kind != Kind::Job,
        named => named.contains(&unit.name) && unit.kind != Kind::Job,
    };
    let http =
        reqwest::Client::builder().no_proxy().timeout(LIMIT).build().context("prepare the HTTP client")?;
    let items = join_all(state.items.iter().filter(asked).map(|unit| ask(cx, unit, &http))).await;
    let healthy = items.iter().all(|item| item.status == Status::Up);
    if out.is_document() {
        out.document(&Document { schema: "doran.health/1", items })?;
    } else {
        out.line(table(&items))?;
    }
    Ok(if healthy { ExitStatus::Success } else { ExitStatus::Failure })
}

async fn ask(cx: &Context, unit: &UnitReport, http: &reqwest::Client) -> Health {
    let begun = Instant::now();
    let answer = match (unit.kind, unit.port) {
        (_, None) => Err("has no port".to_owned()),
        (Kind::Database, Some(port)) => backing_answer(backing::postgres::is_ready(port)).await,
        (Kind::Cache, Some(port)) => backing_answer(backing::redis::is_ready(port)).await,
        (Kind::Service | Kind::Job, Some(port)) => service(cx, unit, http, port).await,
    };
    Health {
        name: unit.name.clone(),
        status: if answer.is_ok() { Status::Up } else { Status::Down },
        took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        detail: answer.err(),
    }
}

async fn backing_answer<E: std::fmt::Display>(
    question: impl Future<Output = Result<(), E>>,
) -> Result<(), String> {
    match timeout(LIMIT, question).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", LIMIT.as_secs())),
    }
}

/// Asks as the stack file says that it is to be asked.
async fn service(cx: &Context, unit: &UnitReport, http: &reqwest::Client, port: u16) -> Result<(), String> {
    let path = match cx.stack.services.get(&unit.service).map(|service| &service.probe) {
        Some(Probe::Http { path, .. }) => path,
        Some(Probe::Tcp) => return backing_answer(connect(port)).await,
        Some(Probe::None | Probe::Postgres | Probe::Redis) | None if unit.is_up() => return Ok(()),
        Some(Probe::None | Probe::Postgres | Probe::Redis) | None => {
            return Err(format!("is {}", unit.state.as_str()));
        }
    };
    let url = format!("http://127.0.0.1:{port}{path}");
    let answer = http.get(url).send().await.map_err(|error| error.without_url().to_string())?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let body = answer.text().await.unwrap_or_default();
    Err(format!("{status} {}", body.trim()))
}

async fn connect(port: u16) -> std::io::Result<()> {
    TcpStream::connect(("127.0.0.1", port)).await.map(drop)
}

fn table(items: &[Health]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["NAME", "HEALTH", "TOOK", "DETAIL"]);
    for item in items {
        let status = match item.status {
            Status::Up => "● up",
            Status::Down => "✘ down",
        };
        let took = format!("{} ms", item.took_ms);
        table.add_row([item.name.as_str(), status, &took, item.detail.as_deref().unwrap_or_default()]);
    }
    table
}
