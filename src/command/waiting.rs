//! Waits for units over the supervisor's state stream. What to think of a state is pure.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{Instant, sleep_until};

use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::interrupt::{Interrupt, Interrupts};
use crate::layout::Layout;
use crate::logstore;
use crate::port;
use crate::stack;
use crate::supervisor::client::{Client, SUPERVISOR_LOG};
use crate::supervisor::leftover;
use crate::supervisor::report::{StateReport, UnitReport};
use crate::supervisor::state::{Cause, Word};

/// Log lines shown of a unit that failed.
const LAST_LINES: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// Ready, or for a job: done.
    Up,
    /// The same, by a wish that this verb made: lost when somebody takes the wish back.
    BroughtUp,
    Down,
    Completed,
}

impl Goal {
    fn is_reached(self, unit: &UnitReport) -> bool {
        match self {
            Self::Up | Self::BroughtUp => unit.is_up(),
            Self::Down => unit.is_at_rest(),
            Self::Completed => unit.state == Word::Completed,
        }
    }

    /// Waiting longer cannot help.
    fn is_lost(self, unit: &UnitReport) -> bool {
        match self {
            Self::Up | Self::Completed => unit.is_broken(),
            Self::BroughtUp => unit.is_broken() || (unit.state == Word::Stopped && !unit.wanted),
            Self::Down => false,
        }
    }
}

/// How a wait ended.
#[derive(Debug)]
pub(super) enum Waited {
    Reached(StateReport),
    /// These units are broken.
    Broken(Vec<UnitReport>),
    /// These units were not there in time.
    TimedOut(Vec<UnitReport>),
    Interrupted(Interrupt),
    SupervisorGone,
}

/// The units that these names mean: units, or services with all their replicas.
///
/// # Errors
/// Exit code 2 for a name that the running stack does not know.
pub(super) fn named(state: &StateReport, names: &[String]) -> anyhow::Result<Vec<String>> {
    let mut units = Vec::new();
    for name in names {
        let before = units.len();
        units.extend(state.items.iter().filter(|unit| unit.is_named(name)).map(|unit| unit.name.clone()));
        if units.len() == before {
            let known = state.items.iter().flat_map(|unit| [unit.name.as_str(), unit.service.as_str()]);
            let known: BTreeSet<&str> = known.collect();
            let help =
                stack::suggestion(name, known).unwrap_or_else(|| "`doran ps -aq` lists all names".to_owned());
            let message = format!("there is no unit `{name}` in the running stack");
            return Err(CliError::new(ExitStatus::Usage, message).help(help).into());
        }
    }
    Ok(units)
}

/// The units of `names` in the report.
fn concerned<'a>(report: &'a StateReport, names: &'a [String]) -> impl Iterator<Item = &'a UnitReport> {
    report.items.iter().filter(move |unit| names.contains(&unit.name))
}

/// Waits until every named unit reached the goal, one of them cannot, or the limit passed. `see` gets every
/// state on the way.
pub(super) async fn until(
    client: &Client,
    names: &[String],
    goal: Goal,
    limit: Duration,
    interrupts: &mut Interrupts,
    mut see: impl FnMut(&StateReport),
) -> anyhow::Result<Waited> {
    let states = match client.watch().await {
        Err(_) if client.is_gone() => return Ok(Waited::SupervisorGone),
        states => states?,
    };
    let mut states = std::pin::pin!(states);
    let deadline = Instant::now() + limit;
    let mut missing: Vec<UnitReport> = Vec::new();
    loop {
        let state = tokio::select! {
            state = states.next() => state,
            interrupt = interrupts.next() => return Ok(Waited::Interrupted(interrupt)),
            () = sleep_until(deadline) => return Ok(Waited::TimedOut(missing)),
        };
        let Some(state) = state.transpose()? else {
            return Ok(Waited::SupervisorGone);
        };
        see(&state);
        let broken: Vec<UnitReport> =
            concerned(&state, names).filter(|unit| goal.is_lost(unit)).cloned().collect();
        if !broken.is_empty() {
            return Ok(Waited::Broken(broken));
        }
        missing = concerned(&state, names).filter(|unit| !goal.is_reached(unit)).cloned().collect();
        if missing.is_empty() {
            return Ok(Waited::Reached(state));
        }
    }
}

/// A supervisor that has ended in order has left nothing: then whatever was to stop has stopped.
pub(super) async fn is_all_down(cx: &Context, client: &Client, waited: &Waited) -> bool {
    if !matches!(waited, Waited::SupervisorGone) {
        return false;
    }
    client.gone().await;
    !leftover::any_of(&cx.layout)
}

/// What failed, why, what it said last, and what to do.
pub(super) fn broken_error(layout: &Layout, broken: &[UnitReport]) -> CliError {
    let mut lines = Vec::new();
    for unit in broken {
        let cause = match (&unit.last_failure, unit.state) {
            (_, Word::Stopped) => "was stopped by somebody else".to_owned(),
            (Some(cause), _) => cause.describe(),
            (None, _) => "failed".to_owned(),
        };
        let looping = if unit.state == Word::CrashLoop { " again and again" } else { "" };
        lines.push(format!("{} {cause}{looping}", unit.name));
        lines.extend(last_words(layout, unit, LAST_LINES));
        // A listener that could not be opened has named the holder already.
        if !matches!(unit.last_failure, Some(Cause::SpawnFailed(_))) {
            lines.extend(stranger(layout, unit).map(|holder| format!("  port {holder}")));
        }
    }
    let first = broken.first().map_or("", |unit| unit.name.as_str());
    CliError::new(ExitStatus::UnitFailed, lines.join("\n")).help(format!(
        "`doran logs {first}` shows more; after mending it, `doran up` or `doran restart {first}`"
    ))
}

/// Who was not there in time, and what each was doing.
pub(super) fn deadline_error(layout: &Layout, limit: Duration, missing: &[UnitReport]) -> CliError {
    let mut lines = vec![format!("not everything was there within {} s:", limit.as_secs_f32())];
    for unit in missing {
        let on = if unit.waits_for.is_empty() {
            String::new()
        } else {
            format!(" for {}", unit.waits_for.join(", "))
        };
        let before =
            unit.last_failure.as_ref().map(|cause| format!("; it {}", cause.describe())).unwrap_or_default();
        lines.push(format!("  {} is {}{on}{before}", unit.name, unit.state.as_str()));
        if unit.waits_for.is_empty() {
            lines.extend(last_words(layout, unit, 3));
        }
    }
    CliError::new(ExitStatus::Deadline, lines.join("\n"))
        .help("`doran ps` shows the present state; --timeout waits longer")
}

/// Who else holds the unit's port, taken since the preflight found it free.
fn stranger(layout: &Layout, unit: &UnitReport) -> Option<String> {
    let port = unit.port?;
    let holder = port::holders(&[port]).remove(&port)?;
    let own = leftover::instance(layout);
    let is_ours = holder.mark.as_ref().is_some_and(|mark| mark.starts_with(&own));
    (!is_ours).then(|| format!("{port} is taken by {holder}"))
}

fn last_words(layout: &Layout, unit: &UnitReport, lines: usize) -> impl Iterator<Item = String> {
    let last = logstore::last_lines(layout, &unit.name, lines);
    last.into_iter().map(|line| format!("  {} | {line}", unit.name))
}

pub(super) fn supervisor_gone(layout: &Layout) -> CliError {
    let log = layout.logs().join(SUPERVISOR_LOG);
    CliError::new(ExitStatus::NotRunning, "the supervisor ended meanwhile").help(format!(
        "see {}; if it was killed, its units run on: `doran ps` takes them over, `doran down` stops them",
        log.display()
    ))
}

/// The exit code of a verb that did nothing but wait.
pub(super) fn conclude(
    cx: &Context,
    waited: Waited,
    limit: Duration,
    reached: impl FnOnce(&StateReport),
) -> anyhow::Result<ExitStatus> {
    match waited {
        Waited::Reached(state) => {
            reached(&state);
            Ok(ExitStatus::Success)
        }
        Waited::Broken(broken) => Err(broken_error(&cx.layout, &broken).into()),
        Waited::TimedOut(missing) => Err(deadline_error(&cx.layout, limit, &missing).into()),
        Waited::Interrupted(interrupt) => Ok(interrupt.exit_status()),
        Waited::SupervisorGone => Err(supervisor_gone(&cx.layout).into()),
    }
}
