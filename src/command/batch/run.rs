//! Which of the verbs below `doran batch` is meant.

use super::args::BatchCommand;
use super::service::Batch;
use super::{archives, history, list, logs, report, restart, schedule, show, skipped, status, stop, trigger};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::output::Printer;

pub(crate) async fn run(cx: &Context, command: &BatchCommand, out: &Printer) -> anyhow::Result<ExitStatus> {
    let batch = Batch::find(cx).await?;
    match command {
        BatchCommand::List => list::run(&batch, out).await,
        BatchCommand::Show { job } => show::run(&batch, job, out).await,
        BatchCommand::Run(args) => trigger::run(batch, args, out).await,
        BatchCommand::Status { execution: Some(execution) } => status::one(&batch, execution, out).await,
        BatchCommand::Status { execution: None } => status::running(&batch, out).await,
        BatchCommand::Logs(args) => logs::run(batch, args, out).await,
        BatchCommand::Stop(args) => stop::run(batch, args, out).await,
        BatchCommand::Restart(args) => restart::run(batch, args, out).await,
        BatchCommand::Abandon(args) => stop::abandon(&batch, args, out).await,
        BatchCommand::History(args) => history::run(&batch, args, out).await,
        BatchCommand::Schedule(args) => schedule::run(&batch, args, out).await,
        BatchCommand::Reports(args) => report::list(&batch, args, out).await,
        BatchCommand::Report(args) => report::print(&batch, args, out).await,
        BatchCommand::Archives { limit } => archives::run(&batch, *limit, out).await,
        BatchCommand::Skipped { execution } => skipped::list(&batch, execution, out).await,
        BatchCommand::Redrive { execution } => skipped::redrive(&batch, execution, out).await,
    }
}
