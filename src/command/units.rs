//! `doran start`, `stop` and `restart`: some units of a running stack.

use std::time::Duration;

use crate::cli::{StartArgs, UnitsArgs};
use crate::command::waiting::{self, Goal};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::interrupt::Interrupts;
use crate::output::Printer;
use crate::supervisor::client::Client;
use crate::supervisor::control::Ask;

/// Stopping waits for grace after grace along the graph; what takes longer survived SIGKILL.
const STOP_LIMIT: Duration = Duration::from_mins(2);

pub(super) async fn start(cx: &Context, args: &StartArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let client = supervisor(cx, &args.units).await?;
    let units = client.ask(&Ask::Start { units: args.units.clone() }).await?;
    come_up(cx, &client, &units, args, out).await
}

pub(super) async fn restart(cx: &Context, args: &StartArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let client = supervisor(cx, &args.units).await?;
    let units = client.ask(&Ask::Restart { units: args.units.clone() }).await?;
    come_up(cx, &client, &units, args, out).await
}

pub(super) async fn stop(cx: &Context, args: &UnitsArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let client = supervisor(cx, &args.units).await?;
    let units = client.ask(&Ask::Stop { units: args.units.clone() }).await?;
    let mut interrupts = Interrupts::listen()?;
    let waited = waiting::until(&client, &units, Goal::Down, STOP_LIMIT, &mut interrupts, |_| {}).await?;
    if waiting::is_all_down(cx, &client, &waited).await {
        return Ok(ExitStatus::Success);
    }
    waiting::conclude(cx, waited, STOP_LIMIT, |_| out.note(format_args!("stopped {}", units.join(", "))))
}

/// The supervisor, if it knows these units.
async fn supervisor(cx: &Context, units: &[String]) -> anyhow::Result<Client> {
    let client = Client::require(&cx.layout, &cx.stack.instance).await?;
    waiting::named(&client.state().await?, units)?;
    Ok(client)
}

async fn come_up(
    cx: &Context,
    client: &Client,
    units: &[String],
    args: &StartArgs,
    out: &Printer,
) -> anyhow::Result<ExitStatus> {
    if args.no_wait {
        return Ok(ExitStatus::Success);
    }
    let mut interrupts = Interrupts::listen()?;
    let waited =
        waiting::until(client, units, Goal::BroughtUp, args.timeout, &mut interrupts, |_| {}).await?;
    waiting::conclude(cx, waited, args.timeout, |state| {
        for unit in state.items.iter().filter(|unit| units.contains(&unit.name)) {
            let took = unit.took_ms().map(|ms| format!(" in {ms} ms")).unwrap_or_default();
            out.note(format_args!("{} is {}{took}", unit.name, unit.state.as_str()));
        }
    })
}
