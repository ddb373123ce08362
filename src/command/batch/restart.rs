//! `doran batch restart`: goes on where an execution failed or was stopped.

use contract::batch::path;

use super::args::RestartArgs;
use super::service::Batch;
use super::{target, trigger};
use crate::error::ExitStatus;
use crate::output::Printer;

pub(super) async fn run(batch: Batch<'_>, args: &RestartArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let execution = target::find(&batch, &args.execution).await?;
    let interrupts = args.wait.interrupts()?;
    let begun = batch.wish(&path::restart(execution.id)).await?;
    trigger::begin(batch, &begun, &args.wait, interrupts, out).await
}
