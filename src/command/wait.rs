//! `doran wait`: returns when units are where one wants them.

use crate::cli::{WaitArgs, WaitFor};
use crate::command::waiting::{self, Goal};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::interrupt::Interrupts;
use crate::output::Printer;
use crate::supervisor::client::{Client, not_running};
use crate::supervisor::report::UnitReport;

/// Then everything is stopped.
fn nothing_runs(cx: &Context, args: &WaitArgs) -> anyhow::Result<ExitStatus> {
    match args.state {
        WaitFor::Stopped => Ok(ExitStatus::Success),
        WaitFor::Ready | WaitFor::Healthy | WaitFor::Done => Err(not_running(&cx.stack.instance).into()),
    }
}

pub(super) async fn run(cx: &Context, args: &WaitArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    let Some(client) = Client::find(&cx.layout, &cx.stack.instance).await? else {
        return nothing_runs(cx, args);
    };
    let state = match client.state().await {
        Err(_) if client.is_gone() => return nothing_runs(cx, args),
        state => state?,
    };
    let mut units = waiting::named(&state, &args.units)?;
    if args.units.is_empty() {
        let wanted = |unit: &&UnitReport| unit.wanted || args.state == WaitFor::Stopped;
        units.extend(state.items.iter().filter(wanted).map(|unit| unit.name.clone()));
    }
    let goal = match args.state {
        WaitFor::Ready | WaitFor::Healthy => Goal::Up,
        WaitFor::Stopped => Goal::Down,
        WaitFor::Done => Goal::Completed,
    };
    let mut interrupts = Interrupts::listen()?;
    let waited = waiting::until(&client, &units, goal, args.timeout, &mut interrupts, |_| {}).await?;
    if waiting::is_all_down(cx, &client, &waited).await {
        return nothing_runs(cx, args);
    }
    waiting::conclude(cx, waited, args.timeout, |_| out.note(format_args!("{} units are there", units.len())))
}
