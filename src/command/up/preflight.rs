//! What is known to fail is said before anything starts: missing binaries, taken ports.

use std::fmt::Write as _;

use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::port;
use crate::supervisor::facts;
use crate::supervisor::plan::Plan;
use crate::supervisor::unit::{Kind, UnitSpec};

/// Checks everything that these units, or all, and their dependencies need.
///
/// # Errors
/// Exit code 3 for a missing prerequisite, 7 for a taken port.
pub(super) fn run(cx: &Context, units: &[String]) -> anyhow::Result<()> {
    crate::supervisor::make_directories(&cx.layout)?;
    let plan = Plan::new(&cx.stack, &facts::gather(&cx.stack, &cx.layout)?);
    let chosen = super::plan::select(&plan, units)?;
    let specs: Vec<&UnitSpec> = chosen.into_iter().map(|id| plan.unit(id)).collect();
    binaries(&specs)?;
    ports(cx, &specs)
}

fn binaries(specs: &[&UnitSpec]) -> anyhow::Result<()> {
    let missing = specs.iter().find(|spec| spec.kind == Kind::Service && !spec.launch.program.is_file());
    let Some(spec) = missing else { return Ok(()) };
    let message = format!("the binary of {} is missing: {}", spec.name, spec.launch.program.display());
    Err(CliError::new(ExitStatus::Config, message)
        .help("`cargo build --workspace` in the project builds it, and `doran up` without --no-build does so itself")
        .into())
}

fn ports(cx: &Context, specs: &[&UnitSpec]) -> anyhow::Result<()> {
    let wanted = specs.iter().filter_map(|spec| Some((spec.name.as_str(), spec.port?)));
    let taken: Vec<(&str, u16)> = wanted.filter(|(_, port)| !port::is_free(*port)).collect();
    if taken.is_empty() {
        return Ok(());
    }
    let numbers: Vec<u16> = taken.iter().map(|(_, port)| *port).collect();
    let holders = port::holders(&numbers);
    let own = format!("{}#", cx.layout.root().display());
    let mut message = String::new();
    for (unit, port) in taken {
        let holder = holders.get(&port);
        // Left by a supervisor that was killed: the next one takes it over.
        if holder.and_then(|holder| holder.mark.as_ref()).is_some_and(|mark| mark.starts_with(&own)) {
            continue;
        }
        let by = holder.map_or_else(|| "another user's process".to_owned(), ToString::to_string);
        let separator = if message.is_empty() { "" } else { "\n  " };
        // Writing to a string cannot fail.
        let _ = write!(message, "{separator}port {port} of {unit} is taken by {by}");
    }
    if message.is_empty() {
        return Ok(());
    }
    Err(CliError::new(ExitStatus::Conflict, message)
        .help("stop that process, change the port in the stack file, or move all ports: `doran up --port-offset 1000`")
        .into())
}
