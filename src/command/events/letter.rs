//! Dead letters: found by id in whichever service keeps them.

use contract::event::{DeadLetter, path};
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde::Serialize;
use uuid::Uuid;

use super::participant;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::operator::{LIMIT, Refused, Service};

/// A dead letter and the service whose consumer gave it up.
#[derive(Debug, Serialize)]
pub(super) struct Kept {
    pub(super) service: String,
    #[serde(flatten)]
    pub(super) letter: DeadLetter,
}

/// Asks every service.
///
/// # Errors
/// Exit code 2 when none has it, 6 when one that might have it is not up.
pub(super) async fn find(cx: &Context, id: Uuid) -> anyhow::Result<(Service, Kept)> {
    let participants = participant::select(cx, &[]).await?;
    let answers = join_all(participants.iter().map(|participant| ask(cx, &participant.name, id))).await;
    let mut unasked = None;
    for (participant, answer) in participants.iter().zip(answers) {
        match answer {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) if participant::is_down(&error) && !participant.expected => {}
            Err(error) => unasked = Some(error),
        }
    }
    Err(unasked.map_or_else(
        || {
            CliError::new(ExitStatus::Usage, format!("there is no dead letter {id}"))
                .help("`doran events dead --state all` lists them")
                .into()
        },
        |error| error.context(format!("find the dead letter {id}")),
    ))
}

async fn ask(cx: &Context, name: &str, id: Uuid) -> anyhow::Result<Option<(Service, Kept)>> {
    let service = Service::find(cx, name).await?;
    match service.get::<DeadLetter>(&path::letter(id), &(), LIMIT).await {
        Ok(letter) => Ok(Some((service, Kept { service: name.to_owned(), letter }))),
        Err(error) if is_unknown(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_unknown(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == StatusCode::NOT_FOUND)
}
