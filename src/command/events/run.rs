//! Which of the verbs below `doran events` is meant.

use super::args::{DeadCommand, EventsCommand};
use super::{dead, lag, replay, rewind, tail};
use crate::context::Context;
use crate::error::ExitStatus;
use crate::output::Printer;

pub(crate) async fn run(cx: &Context, command: &EventsCommand, out: &Printer) -> anyhow::Result<ExitStatus> {
    match command {
        EventsCommand::Lag => lag::run(cx, out).await,
        EventsCommand::Tail(args) => tail::run(cx, args, out).await,
        EventsCommand::Dead(args) => match &args.command {
            None => dead::list(cx, &args.list, out).await,
            Some(DeadCommand::List(list)) => dead::list(cx, list, out).await,
            Some(DeadCommand::Show { id }) => dead::show(cx, *id, out).await,
        },
        EventsCommand::Replay(args) => match &args.consumer {
            Some(consumer) => rewind::run(cx, consumer, args, out).await,
            None => replay::run(cx, args, out).await,
        },
        EventsCommand::Drop(args) => dead::give_up(cx, args, out).await,
    }
}
