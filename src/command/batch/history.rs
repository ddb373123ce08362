//! `doran batch history`: executions, the newest first.

use super::args::HistoryArgs;
use super::execution;
use super::service::{Batch, More, Wanted};
use crate::error::ExitStatus;
use crate::output::Printer;

pub(super) async fn run(batch: &Batch<'_>, args: &HistoryArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let job = args.list.job.as_deref();
    if let Some(job) = job {
        batch.job(job).await?;
    }
    let status = args.status.map(super::args::StatusChoice::word);
    let (items, more) =
        batch.executions(Wanted { job, status, ..Wanted::default() }, args.list.limit).await?;
    execution::show_all(&items, "no executions", out)?;
    if more == More::Yes {
        out.note(format_args!("and more: the newest {} are shown (-n)", items.len()));
    }
    Ok(ExitStatus::Success)
}
