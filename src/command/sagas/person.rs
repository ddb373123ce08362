//! `doran sagas retry`, `compensate` and `resolve`: what a person decides.

use contract::id::SagaId;
use contract::store::maintenance::{Intervention, ResolveSaga, path};
use contract::store::{SagaState, SagaView};
use reqwest::StatusCode;
use serde::Serialize;

use super::args::{CompensateArgs, EndChoice, ResolveArgs, RetryArgs};
use super::list::{Document, SCHEMA};
use crate::command::confirm::confirm;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::operator::{Refused, Service};
use crate::output::Printer;

pub(super) async fn retry(cx: &Context, args: &RetryArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let body = Intervention { reason: args.reason.clone() };
    let saga = tell(cx, args.id, &path::retry(args.id), &body).await?;
    say(&saga, out)
}

pub(super) async fn compensate(
    cx: &Context,
    args: &CompensateArgs,
    out: &Printer,
) -> anyhow::Result<ExitStatus> {
    let question = format!("Undo saga {}: its order comes to nothing, and its money goes back?", args.id);
    if !args.yes && !confirm(&question, "undoing an order")? {
        return Ok(ExitStatus::Failure);
    }
    let body = Intervention { reason: args.reason.clone() };
    let saga = tell(cx, args.id, &path::compensate(args.id), &body).await?;
    say(&saga, out)
}

pub(super) async fn resolve(cx: &Context, args: &ResolveArgs, out: &Printer) -> anyhow::Result<ExitStatus> {
    let end = match args.end {
        EndChoice::Completed => "has happened",
        EndChoice::Compensated => "has not happened, and nothing of it is left",
    };
    let question = format!(
        "Book that what saga {} was begun for {end} at the provider? Nobody asks the provider again.",
        args.id
    );
    if !args.yes && !confirm(&question, "booking what the provider was not asked")? {
        return Ok(ExitStatus::Failure);
    }
    let body = ResolveSaga { r#as: args.end.resolution(), reason: args.reason.clone() };
    let saga = tell(cx, args.id, &path::resolve(args.id), &body).await?;
    say(&saga, out)
}

async fn tell(cx: &Context, id: SagaId, path: &str, body: &impl Serialize) -> anyhow::Result<SagaView> {
    let service = Service::find(cx, "store").await?;
    service.post(path, body).await.map_err(|error| match error.downcast_ref::<Refused>() {
        Some(refused) if refused.status == StatusCode::NOT_FOUND => {
            CliError::new(ExitStatus::Usage, format!("there is no saga {id}"))
                .help("`doran sagas list` shows them")
                .into()
        }
        Some(refused) if refused.status == StatusCode::CONFLICT => {
            let help = format!("`doran sagas show {id}` says how far it is");
            CliError::new(ExitStatus::Usage, refused.to_string()).help(help).into()
        }
        Some(_) | None => error,
    })
}

fn say(saga: &SagaView, out: &Printer) -> anyhow::Result<ExitStatus> {
    if out.is_document() {
        out.document(&Document { schema: SCHEMA, items: std::slice::from_ref(saga) })?;
    } else {
        out.line(sentence(saga))?;
    }
    Ok(ExitStatus::Success)
}

fn sentence(saga: &SagaView) -> String {
    let SagaView { id, order_id, step, .. } = saga;
    match saga.state {
        SagaState::Running => format!("{id} of order {order_id} goes on at {step}"),
        SagaState::Compensating => format!("{id} of order {order_id} is on its way back, at {step}"),
        SagaState::Stuck => format!("{id} of order {order_id} is stuck at {step}"),
        SagaState::Completed => format!("{id} of order {order_id} has done what it was begun for"),
        SagaState::Compensated => format!("{id} of order {order_id} is undone"),
        SagaState::Resolved => format!("{id} of order {order_id} is ended as you said"),
    }
}
