//! `doran batch status`: one execution, or all that run now.

use super::execution;
use super::service::{Batch, More, Wanted};
use super::target;
use crate::error::ExitStatus;
use crate::output::Printer;

const MOST: u32 = 1_000;

pub(super) async fn one(batch: &Batch<'_>, text: &str, out: &Printer) -> anyhow::Result<ExitStatus> {
    execution::show(&target::find(batch, text).await?, out)?;
    Ok(ExitStatus::Success)
}

pub(super) async fn running(batch: &Batch<'_>, out: &Printer) -> anyhow::Result<ExitStatus> {
    let (items, more) = batch.executions(Wanted { running: true, ..Wanted::default() }, MOST).await?;
    execution::show_all(&items, "nothing runs", out)?;
    if more == More::Yes {
        out.note(format_args!("and more: the newest {MOST} are shown"));
    }
    Ok(ExitStatus::Success)
}
