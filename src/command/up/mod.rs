//! `doran up`: build, check, start, wait, report, follow.

mod build;
mod plan;
mod preflight;
mod progress;
mod table;
mod timings;

use std::time::Instant;

use crate::cli::UpArgs;
use crate::command::logs::Follower;
use crate::command::stopping;
use crate::command::waiting::{self, Goal, Waited};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::interrupt::{Interrupt, Interrupts};
use crate::output::Printer;
use crate::supervisor::client::{self, Client, Started};
use crate::supervisor::control::Ask;
use crate::supervisor::leftover;
use crate::supervisor::report::StateReport;

/// A supervisor, and whether this `up` started it: then its end is ours to decide.
struct Session {
    client: Client,
    ours: bool,
}

pub(super) use plan::select;

pub(super) async fn run(cx: &Context, args: &UpArgs, out: &mut Printer) -> anyhow::Result<ExitStatus> {
    if args.plan {
        return plan::run(cx, args, out);
    }
    let mut interrupts = Interrupts::listen()?;
    if let Some(interrupt) = build::ensure(cx, args, out, &mut interrupts).await? {
        return Ok(interrupt.exit_status());
    }
    let begun = Instant::now();
    let mut session = match connect(cx, args, out, &mut interrupts).await? {
        Connected::To(session) => session,
        Connected::Interrupted(interrupt) => return Ok(interrupt.exit_status()),
    };
    match come_up(cx, args, &session, out, &mut interrupts).await {
        Ok(Came::Up(state, units)) => {
            report(cx, args, out, &state, &units, begun)?;
            if args.detach {
                return Ok(ExitStatus::Success);
            }
            follow(cx, &mut session, &units, out, &mut interrupts).await
        }
        Ok(Came::Asked) => Ok(ExitStatus::Success),
        Ok(Came::Interrupted(interrupt)) => {
            session.end(cx, out, &mut interrupts).await?;
            Ok(interrupt.exit_status())
        }
        // A start that failed leaves nothing running, if it was this `up` that began it.
        Err(error) => match session.end(cx, out, &mut interrupts).await {
            Ok(()) => Err(error),
            Err(also) => {
                Err(error.context(format!("{also:#}; what was started is still there, see `doran ps`")))
            }
        },
    }
}

impl Session {
    /// Stops everything, unless somebody else started it.
    async fn end(&self, cx: &Context, out: &Printer, interrupts: &mut Interrupts) -> anyhow::Result<()> {
        if self.ours {
            stopping::bring_down(cx, out, interrupts, None).await?;
        }
        Ok(())
    }
}

/// How far a start came.
enum Came {
    Up(StateReport, Vec<String>),
    /// Nobody wants to wait.
    Asked,
    Interrupted(Interrupt),
}

async fn come_up(
    cx: &Context,
    args: &UpArgs,
    session: &Session,
    out: &Printer,
    interrupts: &mut Interrupts,
) -> anyhow::Result<Came> {
    waiting::named(&session.client.state().await?, &args.units)?;
    let ask = Ask::Up { units: args.units.clone(), stack: Box::new(cx.stack.clone()) };
    let units = session.client.ask(&ask).await?;
    if args.detach && !args.wait {
        let count = units.len();
        out.note(format_args!("starting {count} units; `doran ps` shows them, `doran wait` waits"));
        return Ok(Came::Asked);
    }
    let mut progress = progress::Progress::new(out, &units, &cx.layout);
    let show = |state: &StateReport| progress.show(state);
    let waited =
        waiting::until(&session.client, &units, Goal::BroughtUp, args.timeout, interrupts, show).await;
    progress.finish();
    match waited? {
        Waited::Reached(state) => Ok(Came::Up(state, units)),
        Waited::Broken(broken) => Err(waiting::broken_error(&cx.layout, &broken).into()),
        Waited::TimedOut(missing) => Err(waiting::deadline_error(&cx.layout, args.timeout, &missing).into()),
        Waited::Interrupted(interrupt) => Ok(Came::Interrupted(interrupt)),
        Waited::SupervisorGone => Err(waiting::supervisor_gone(&cx.layout).into()),
    }
}

enum Connected {
    To(Session),
    Interrupted(Interrupt),
}

/// The supervisor that is there, or a new one; one that is about to end is waited for.
async fn connect(
    cx: &Context,
    args: &UpArgs,
    out: &Printer,
    interrupts: &mut Interrupts,
) -> anyhow::Result<Connected> {
    if let Some(client) = Client::find(&cx.layout, &cx.stack.instance).await? {
        if !client.is_ending().await {
            return Ok(Connected::To(Session { client, ours: false }));
        }
        out.note("everything is being stopped: the start waits for the end of that");
        tokio::select! {
            () = client.gone() => {}
            interrupt = interrupts.next() => return Ok(Connected::Interrupted(interrupt)),
        }
    }
    let _turn = client::start_turn(&cx.layout).await?;
    if let Some(client) = Client::connect(&cx.layout, &cx.stack.instance).await? {
        return Ok(Connected::To(Session { client, ours: false }));
    }
    // One that lost its state directory holds the ports until its units have stopped.
    leftover::end_lost_supervisor(&cx.layout).await;
    preflight::run(cx, &args.units)?;
    let Started { client, ours } = client::start_now(&cx.stack, &cx.layout).await?;
    Ok(Connected::To(Session { client, ours }))
}

fn report(
    cx: &Context,
    args: &UpArgs,
    out: &Printer,
    state: &StateReport,
    units: &[String],
    begun: Instant,
) -> anyhow::Result<()> {
    if out.is_document() {
        return out.document(state);
    }
    table::print(cx, out, state, units, begun.elapsed())?;
    if args.timings {
        timings::print(out, state, units)?;
    }
    Ok(())
}

/// Follows the logs until a signal, then brings down what this `up` started. Also when nobody reads them any
/// more: a terminal that is closed refuses a line before it sends its signal.
async fn follow(
    cx: &Context,
    session: &mut Session,
    units: &[String],
    out: &mut Printer,
    interrupts: &mut Interrupts,
) -> anyhow::Result<ExitStatus> {
    out.note(if session.ours {
        "following the logs; Ctrl-C stops everything"
    } else {
        "following the logs; Ctrl-C leaves everything running"
    });
    let mut follower = Follower::open(cx, units, out)?;
    loop {
        let seen = tokio::select! {
            interrupt = interrupts.next() => Ok(Some(interrupt)),
            shown = follower.until(session.client.ended(), out) => shown.map(|()| None),
        };
        let Ok(None) = seen else {
            session.end(cx, out, interrupts).await?;
            return seen.map(|interrupt| interrupt.map_or(ExitStatus::Success, Interrupt::exit_status));
        };
        let Some(client) = Client::find(&cx.layout, &cx.stack.instance).await? else {
            out.note("everything was stopped by somebody else");
            return Ok(ExitStatus::Success);
        };
        out.warn("the supervisor was killed; another one has taken the units over");
        session.client = client;
    }
}
