//! Brings everything down and says what is still alive. One way for `down`, Ctrl-C and a start that failed.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{Instant, sleep_until, timeout};

use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::interrupt::{Interrupt, Interrupts};
use crate::output::Printer;
use crate::supervisor::client::{self, Client};
use crate::supervisor::control::Ask;
use crate::supervisor::leftover;
use crate::supervisor::report::StateReport;

/// Longer than every unit's grace one after the other: whatever lives then survived SIGKILL.
const LIMIT: Duration = Duration::from_mins(2);
/// After SIGKILL only the kernel is in the way.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// A stop that takes longer names who it waits for.
const PATIENCE: Duration = Duration::from_secs(1);
/// A supervisor with nothing to supervise has only its last answers to give.
const END_LIMIT: Duration = Duration::from_secs(10);
/// Supervisors that are killed while they stop everything, before it is given up.
const ATTEMPTS: usize = 3;

/// What a stop came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    NothingRan,
    Everything,
    /// Somebody was impatient, and everything was killed.
    Forced(Interrupt),
}

/// Stops every unit, dependents first, and ends the supervisor. A supervisor that is killed meanwhile is
/// replaced, so that success means that nothing lives. A further interrupt, or `kill_after`, kills what is left.
///
/// # Errors
/// Exit code 1 when something survives.
pub(super) async fn bring_down(
    cx: &Context,
    out: &Printer,
    interrupts: &mut Interrupts,
    kill_after: Option<Duration>,
) -> anyhow::Result<Stopped> {
    let mut stopped = Stopped::NothingRan;
    for _ in 0..ATTEMPTS {
        let Some(client) = supervisor(cx).await? else {
            return Ok(stopped);
        };
        if stopped == Stopped::NothingRan {
            out.note("stopping everything; press Ctrl+C again to force");
        }
        let ended = stop_everything(&client, out, interrupts, kill_after).await?;
        stopped = ended.stopped;
        if timeout(END_LIMIT, client.gone()).await.is_err() {
            return Err(CliError::new(
                ExitStatus::Failure,
                "everything is down, but the supervisor does not end",
            )
            .help(format!("see {}", cx.layout.logs().join(client::SUPERVISOR_LOG).display()))
            .into());
        }
        if ended.in_order {
            return Ok(stopped);
        }
    }
    if leftover::any_of(&cx.layout) {
        let message = format!("{ATTEMPTS} supervisors ended before everything was down");
        return Err(CliError::new(ExitStatus::Failure, message)
            .help(format!("see {}", cx.layout.logs().join(client::SUPERVISOR_LOG).display()))
            .into());
    }
    Ok(stopped)
}

/// The running supervisor; when one was killed and left units behind, a new one that takes them over or ends them.
async fn supervisor(cx: &Context) -> anyhow::Result<Option<Client>> {
    if let Some(client) = Client::find(&cx.layout, &cx.stack.instance).await? {
        return Ok(Some(client));
    }
    if leftover::any_of(&cx.layout) {
        return Ok(Some(client::start(&cx.stack, &cx.layout).await?.client));
    }
    Ok(None)
}

/// The end of a supervisor.
struct Ended {
    stopped: Stopped,
    /// The last that was heard of it is that nothing lives. What runs after that is somebody else's start.
    in_order: bool,
}

async fn stop_everything(
    client: &Client,
    out: &Printer,
    interrupts: &mut Interrupts,
    kill_after: Option<Duration>,
) -> anyhow::Result<Ended> {
    let states = match client.watch().await {
        // Another `down` was faster.
        Err(_) if client.is_gone() => return Ok(Ended { stopped: Stopped::Everything, in_order: false }),
        states => states?,
    };
    let mut states = pin!(states);
    ask(client, &Ask::Shutdown).await?;
    let mut kill_at = Instant::now() + kill_after.unwrap_or(LIMIT);
    let mut give_up_at = kill_at + KILL_LIMIT;
    let mut name_at = Instant::now() + PATIENCE;
    let mut alive: Vec<String> = Vec::new();
    let mut in_order = false;
    let mut stopped = Stopped::Everything;
    loop {
        tokio::select! {
            state = states.next() => match state {
                Some(state) => {
                    let state = state?;
                    alive = living(&state);
                    in_order = alive.is_empty() && state.supervisor.shutting_down;
                }
                None => return Ok(Ended { stopped, in_order }),
            },
            interrupt = interrupts.next() => match interrupt {
                // Nobody is there to be impatient.
                Interrupt::Hangup => {}
                Interrupt::Int | Interrupt::Term => {
                    stopped = Stopped::Forced(interrupt);
                    kill_at = Instant::now();
                }
            },
            () = sleep_until(name_at) => {
                out.note(format_args!("still alive: {}", alive.join(", ")));
                name_at = Instant::now() + PATIENCE * 5;
            }
            () = sleep_until(kill_at) => {
                out.note(format_args!("killing {}", alive.join(", ")));
                ask(client, &Ask::Kill).await?;
                give_up_at = Instant::now() + KILL_LIMIT;
                kill_at = give_up_at + KILL_LIMIT;
            }
            () = sleep_until(give_up_at) => return Err(survivors(&alive).into()),
        }
    }
}

/// A supervisor that ends before it answers has done what it was asked for, or will be replaced.
async fn ask(client: &Client, ask: &Ask) -> anyhow::Result<()> {
    match client.ask(ask).await {
        Err(_) if client.is_gone() => Ok(()),
        answer => answer.map(drop),
    }
}

fn survivors(alive: &[String]) -> CliError {
    CliError::new(ExitStatus::Failure, format!("survived SIGKILL: {}", alive.join(", "))).help(
        "a process in uninterruptible sleep waits for a disk or the network: see `ps -o pid,stat,wchan,cmd`",
    )
}

fn living(state: &StateReport) -> Vec<String> {
    let alive = state.items.iter().filter(|unit| !unit.is_down());
    alive
        .map(|unit| unit.pid.map_or_else(|| unit.name.clone(), |pid| format!("{} (pid {pid})", unit.name)))
        .collect()
}
