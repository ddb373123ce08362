//! The table that `up` ends with, and what to do next.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use crate::context::Context;
use crate::output::Printer;
use crate::seed;
use crate::supervisor::report::{StateReport, UnitReport};
use crate::supervisor::unit::Kind;

pub(super) fn print(
    cx: &Context,
    out: &Printer,
    state: &StateReport,
    units: &[String],
    elapsed: Duration,
) -> anyhow::Result<()> {
    let shown: Vec<&UnitReport> =
        state.items.iter().filter(|unit| unit.kind != Kind::Job && units.contains(&unit.name)).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["UNIT", "STATE", "ADDRESS", "READY IN"]);
    for unit in &shown {
        let took = unit.took_ms().map(|ms| format!("{ms} ms")).unwrap_or_default();
        table.add_row([unit.name.clone(), format!("● {}", unit.state.as_str()), address(cx, unit), took]);
    }
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    out.line(table)?;
    if cx.stack.cache.is_some() && !state.items.iter().any(|unit| unit.kind == Kind::Cache) {
        out.line("redis is not installed: running without it, with limits and caches local to each process")?;
    }
    out.line(format_args!("\n{} units ready in {:.2} s", shown.len(), elapsed.as_secs_f64()))?;
    if let Some(gateway) = shown.iter().find(|unit| unit.service == "gateway").and_then(|unit| unit.port) {
        next(out, gateway, cx)?;
    }
    Ok(())
}

fn address(cx: &Context, unit: &UnitReport) -> String {
    let Some(port) = unit.port else {
        return String::new();
    };
    match unit.kind {
        Kind::Database => format!("postgres://127.0.0.1:{port}/{}", unit.name),
        Kind::Cache => format!("redis://127.0.0.1:{port}"),
        Kind::Service | Kind::Job if cx.stack.services.contains_key(&unit.service) => {
            format!("http://127.0.0.1:{port}")
        }
        Kind::Service | Kind::Job => format!("127.0.0.1:{port}"),
    }
}

fn next(out: &Printer, gateway: u16, cx: &Context) -> anyhow::Result<()> {
    out.line("\ndemo accounts")?;
    for account in seed::ACCOUNTS {
        out.line(format_args!("  {:<22}  {:<17}  {}", account.email, account.password, account.role))?;
    }
    let [demo, ..] = seed::ACCOUNTS;
    out.line("\ntry next")?;
    out.line(format_args!(
        "  curl -s localhost:{gateway}/api/auth/login -H 'content-type: application/json' \\"
    ))?;
    out.line(format_args!(
        "       -d '{{\"email\":\"{}\",\"password\":\"{}\"}}'",
        demo.email, demo.password
    ))?;
    let instance = match cx.stack.instance.as_str() {
        "default" => String::new(),
        name => format!(" --instance {name}"),
    };
    for (verb, what) in
        [("ps", "the units"), ("smoke", "the smoke tests"), ("logs -f chat", "one service's logs")]
    {
        let command = format!("doran {verb}{instance}");
        out.line(format_args!("  {command:<32}  {what}"))?;
    }
    Ok(())
}
