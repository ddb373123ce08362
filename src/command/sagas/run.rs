//! Which of the verbs below `doran sagas` is meant.

use super::args::SagasCommand;
use super::{audit, list, person, show, verify};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::output::Printer;

pub(crate) async fn run(cx: &Context, command: &SagasCommand, out: &Printer) -> anyhow::Result<ExitStatus> {
    match command {
        SagasCommand::List(args) => list::run(cx, args, out).await,
        SagasCommand::Show { id } => show::run(cx, *id, out).await,
        SagasCommand::Retry(args) => person::retry(cx, args, out).await,
        SagasCommand::Compensate(args) => person::compensate(cx, args, out).await,
        SagasCommand::Resolve(args) => person::resolve(cx, args, out).await,
        SagasCommand::Verify(args) => verify::run(Some(cx), args, out).await,
        SagasCommand::Audit(args) => audit::run(Some(cx), args, out).await,
    }
}

/// Without a stack.
pub(crate) async fn run_apart(command: &SagasCommand, out: &Printer) -> anyhow::Result<ExitStatus> {
    match command {
        SagasCommand::Verify(args) => verify::run(None, args, out).await,
        SagasCommand::Audit(args) => audit::run(None, args, out).await,
        SagasCommand::List(_)
        | SagasCommand::Show { .. }
        | SagasCommand::Retry(_)
        | SagasCommand::Compensate(_)
        | SagasCommand::Resolve(_) => unreachable!("these need a stack"),
    }
}
