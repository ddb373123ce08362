//! `doran batch stop` and `abandon`.

use contract::batch::{Execution, ExecutionStatus, path};

use super::args::{AbandonArgs, StopArgs};
use super::service::Batch;
use super::wait::{OnInterrupt, Patience, Waited, until_over};
use super::{execution, target};
use crate::command::confirm::confirm;
use crate::error::ExitStatus;
use crate::interrupt::Interrupts;
use crate::output::Printer;

pub(super) async fn run(batch: Batch<'_>, args: &StopArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let found = target::find(&batch, &args.execution).await?;
    let mut interrupts = Interrupts::listen()?;
    let stopping = batch.wish(&path::stop(found.id)).await?;
    if !args.wait || !stopping.status.is_running() {
        return say(&stopping, out);
    }
    let patience = Patience { timeout: Some(args.timeout), on_interrupt: OnInterrupt::Leave };
    match until_over(batch, &stopping, patience, &mut interrupts, out).await? {
        Waited::Ended(execution) | Waited::Stopped(_, execution) => say(&execution, out),
        Waited::Left(interrupt) => {
            let id = stopping.id;
            out.note(format_args!("it stops without you; `doran batch status {id}` shows it"));
            Ok(interrupt.exit_status())
        }
    }
}

pub(super) async fn abandon(
    batch: &Batch<'_>,
    args: &AbandonArgs,
    out: &Printer,
) -> anyhow::Result<ExitStatus> {
    let Execution { id, job, .. } = target::find(batch, &args.execution).await?;
    let question = format!("Give {id} of {job} up? It can never be restarted, nor its parameters run again.");
    if !args.yes && !confirm(&question, "giving an execution up")? {
        return Ok(ExitStatus::Failure);
    }
    say(&batch.wish(&path::abandon(id)).await?, out)
}

fn say(execution: &Execution, out: &Printer) -> anyhow::Result<ExitStatus> {
    if out.is_document() {
        execution::show(execution, out)?;
    } else {
        out.line(sentence(execution))?;
    }
    Ok(ExitStatus::Success)
}

fn sentence(execution: &Execution) -> String {
    let Execution { id, job, .. } = execution;
    match execution.status {
        ExecutionStatus::Stopping => format!("{id} of {job} stops after the chunk at hand"),
        ExecutionStatus::Stopped => {
            format!("{id} of {job} is stopped; `doran batch restart {id}` goes on with it")
        }
        ExecutionStatus::Completed => format!("{id} of {job} was complete before it could be stopped"),
        ExecutionStatus::Abandoned => format!("{id} of {job} is given up"),
        status @ (ExecutionStatus::Starting
        | ExecutionStatus::Started
        | ExecutionStatus::Failed
        | ExecutionStatus::Unknown) => format!("{id} of {job} is {status}"),
    }
}
