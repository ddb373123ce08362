//! Asks once, or follows.

use std::io::{IsTerminal as _, stdout};

use futures_util::StreamExt as _;

use super::line::table;
use super::{TopArgs, live};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::Printer;
use crate::supervisor::client::{Client, not_running};
use crate::telemetry::api;
use crate::telemetry::view::Top;

/// Exit code 6 when the stack is not running, or ends while it is watched.
pub(in crate::command) async fn run(
    cx: &Context,
    args: &TopArgs,
    out: &mut Printer,
) -> anyhow::Result<ExitStatus> {
    let client = Client::require(&cx.layout, &cx.stack.instance).await?;
    let is_live = !args.once && !out.is_document() && stdout().is_terminal();
    if !is_live && !args.watch {
        let top = chosen(client.get(api::TOP).await?, &args.names)?;
        show(&top, out)?;
        return Ok(ExitStatus::Success);
    }
    watch(cx, client, args, out).await
}

/// A supervisor that is killed is followed by another one: what it left is taken over.
async fn watch(
    cx: &Context,
    mut client: Client,
    args: &TopArgs,
    out: &Printer,
) -> anyhow::Result<ExitStatus> {
    let is_live = !out.is_document() && stdout().is_terminal();
    loop {
        let mut tops = client.lines::<Top>(api::WATCH).await?;
        while let Some(top) = tops.next().await {
            let top = chosen(top?, &args.names)?;
            if is_live { live::draw(&table(&top))? } else { show(&top, out)? }
        }
        client = match Client::find(&cx.layout, &cx.stack.instance).await? {
            Some(client) => client,
            None => return Err(not_running(&cx.stack.instance).into()),
        };
    }
}

fn show(top: &Top, out: &Printer) -> anyhow::Result<()> {
    if out.is_document() {
        return out.document(top);
    }
    Ok(out.line(table(top).join("\n"))?)
}

/// Only what was asked for.
fn chosen(mut top: Top, names: &[String]) -> anyhow::Result<Top> {
    let has = |row: &crate::telemetry::view::Row, name: &String| {
        row.name == *name || row.units.iter().any(|unit| unit.name == *name)
    };
    if let Some(name) = names.iter().find(|name| !top.items.iter().any(|row| has(row, name))) {
        let known: Vec<&str> = top.items.iter().map(|row| row.name.as_str()).collect();
        return Err(CliError::new(ExitStatus::Usage, format!("there is no service or database `{name}`"))
            .help(format!("the stack has {}", known.join(", ")))
            .into());
    }
    top.items.retain(|row| names.is_empty() || names.iter().any(|name| has(row, name)));
    Ok(top)
}
