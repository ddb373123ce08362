//! Dead letters: found by id in whichever service keeps them.

use contract::event::{DeadLetter, path};
use futures_util::future::join_all;
use serde::Serialize;
use uuid::Uuid;

use super::participant;
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::operator::{LIMIT, Service};

/// The most that a service lists at once.
const MOST: u32 = 1000;

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
    let letters: Vec<DeadLetter> = service.get(path::DEAD, &[("limit", MOST)], LIMIT).await?;
    let letter = letters.into_iter().find(|letter| letter.id == id);
    Ok(letter.map(|letter| (service, Kept { service: name.to_owned(), letter })))
}
