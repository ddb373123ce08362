//! Waits for the end of an execution, shows how far it is, and obeys Ctrl-C.

use std::pin::pin;
use std::time::Duration;

use contract::batch::{Execution, ExecutionStatus};
use futures_util::StreamExt as _;
use futures_util::future::{Either, pending};
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, interval, sleep_until};

use super::args::WaitArgs;
use super::execution::{self, exit_status};
use super::follow::{News, follow};
use super::progress::Progress;
use super::service::Batch;
use crate::error::{CliError, ExitStatus};
use crate::interrupt::{Interrupt, Interrupts};
use crate::output::Printer;

/// How often it is looked whether something is worth a line.
const TICK: Duration = Duration::from_millis(500);

/// What an interrupt does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnInterrupt {
    /// It runs on, and nobody watches.
    Leave,
    /// It is stopped, and its end waited for; the second interrupt leaves it stopping.
    Stop,
}

/// How long, and what then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) timeout: Option<Duration>,
    pub(super) on_interrupt: OnInterrupt,
}

impl From<&WaitArgs> for Patience {
    fn from(args: &WaitArgs) -> Self {
        let on_interrupt = if args.stop_on_interrupt { OnInterrupt::Stop } else { OnInterrupt::Leave };
        Self { timeout: args.timeout, on_interrupt }
    }
}

/// How a wait ended.
pub(super) enum Waited {
    Ended(Box<Execution>),
    /// It ended after the interrupt that stopped it.
    Stopped(Interrupt, Box<Execution>),
    /// It runs on.
    Left(Interrupt),
}

/// Waits for an execution that was asked for just now, and shows what became of it.
pub(super) async fn to_the_end(
    batch: Batch<'_>,
    begun: &Execution,
    args: &WaitArgs,
    interrupts: &mut Interrupts,
    out: &Printer,
) -> anyhow::Result<ExitStatus> {
    let id = begun.id;
    match until_over(batch, begun, args.into(), interrupts, out).await? {
        Waited::Ended(execution) => {
            execution::show(&execution, out)?;
            Ok(exit_status(&execution))
        }
        Waited::Stopped(interrupt, execution) => {
            execution::show(&execution, out)?;
            Ok(interrupt.exit_status())
        }
        Waited::Left(interrupt) => {
            out.note(format_args!(
                "{} goes on without you: `doran batch status {id}` shows it, `doran batch stop {id}` stops it",
                begun.job
            ));
            Ok(interrupt.exit_status())
        }
    }
}

/// # Errors
/// Exit code 5 when the time is over, 6 when the stack is down; it runs on then, or goes on with the stack.
pub(super) async fn until_over(
    batch: Batch<'_>,
    begun: &Execution,
    patience: Patience,
    interrupts: &mut Interrupts,
    out: &Printer,
) -> anyhow::Result<Waited> {
    let mut progress = Progress::new(begun, out);
    let asked = batch.clone();
    let mut news = pin!(follow(batch, begun.id));
    let mut over = pin!(match patience.timeout {
        Some(limit) => Either::Left(sleep_until(Instant::now() + limit)),
        None => Either::Right(pending()),
    });
    let mut tick = interval(TICK);
    let (mut stopped_by, mut stopping) = (None, FuturesUnordered::new());
    loop {
        tokio::select! {
            biased;
            interrupt = interrupts.next() => {
                if stopped_by.is_some() || patience.on_interrupt == OnInterrupt::Leave {
                    return Ok(Waited::Left(interrupt));
                }
                progress.say("asked to stop; press Ctrl-C again to leave it to that");
                stopping.push(asked.stop_by_somebody(begun.id));
                stopped_by = Some(interrupt);
            }
            Some(asked) = stopping.next(), if !stopping.is_empty() => asked?,
            () = &mut over => {
                return Err(too_late(progress.latest(), patience.timeout.unwrap_or_default()).into());
            }
            seen = news.next() => match seen.transpose()? {
                Some(News::Now(execution)) => progress.show(&execution),
                Some(News::Ended(execution)) => {
                    progress.show(&execution);
                    return Ok(match stopped_by {
                        Some(interrupt) => Waited::Stopped(interrupt, execution),
                        None => Waited::Ended(execution),
                    });
                }
                Some(News::Away(why)) => progress.away(&why),
                Some(News::Back(instance)) => progress.say(&format!("{instance} says how far it is")),
                None => unreachable!("the end or an error is the last of the news"),
            },
            _ = tick.tick() => progress.tick(),
        }
    }
}

fn too_late(latest: &Execution, limit: Duration) -> CliError {
    let (limit, id) = (crate::stack::duration::format(limit), latest.id);
    if latest.status == ExecutionStatus::Stopping {
        let message = format!("{} was asked to stop and is not over after {limit}", latest.job);
        let help = format!("it stops after the chunk at hand; `doran batch status {id}` shows it");
        return CliError::new(ExitStatus::Deadline, message).help(help);
    }
    CliError::new(ExitStatus::Deadline, format!("{} is not over after {limit}, and goes on", latest.job))
        .help(format!("`doran batch status {id}` shows it, `doran batch stop {id}` stops it"))
}
