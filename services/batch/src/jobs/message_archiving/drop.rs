//! The third step: chat drops the months whose archives are complete, one a chunk.
//!
//! Chat compares what it has with the archive's checksum. Where they differ, because a message came late or a room was
//! purged meanwhile, the month stays, the others are dropped all the same, and the run fails at its end. The next run
//! archives such a month anew, beside the archive that is there already.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;
use chassis::client::{CallError, ServiceClient};
use contract::chat::maintenance::{DropPartition, DroppedPartition, path};
use futures_util::future::BoxFuture;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::found::{Found, State, lines};
use super::{month, turn};
use crate::engine::work::Run;
use crate::engine::{Chunk, Effect, Fault, Part, Place, Work};

/// Chat counts a month beside its requests, and says nothing new sooner.
const COUNTING: Duration = Duration::from_secs(1);

pub(super) struct Drop {
    pub(super) db: PgPool,
    pub(super) chat: ServiceClient,
}

/// How far the step is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Cursor {
    /// The archive before.
    behind: Option<String>,
    /// Those that chat has refused to drop, each with its reason.
    refused: BTreeMap<String, String>,
}

enum Outcome {
    Dropped,
    Counting,
    Refused(String),
}

impl Work for Drop {
    fn parts<'a>(&'a self, run: &'a Run) -> BoxFuture<'a, Result<Vec<Part>, Fault>> {
        // A dry run has no archives.
        Box::pin(async move { Ok(if run.dry_run { vec![] } else { vec![Part::ONLY] }) })
    }

    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(self.drop_next(place))
    }
}

impl Drop {
    async fn drop_next(&self, place: &Place) -> Result<Chunk, Fault> {
        let mut cursor: Cursor = match &place.cursor {
            None => Cursor::default(),
            Some(cursor) => serde_json::from_value(cursor.clone()).map_err(Fault::fatal)?,
        };
        turn::ours(&self.db, &place.run).await?;
        let Some(line) = self.next(&place.run, cursor.behind.as_deref()).await? else {
            return end(&cursor);
        };
        let mut chunk = Chunk::default();
        match self.ask(&line).await? {
            Outcome::Counting => chunk.pause = Some(COUNTING),
            Outcome::Dropped => {
                chunk.rows.push(Found { state: State::Dropped, object: None, ..line.clone() }.row()?);
                chunk.summary.insert("dropped".to_owned(), 1);
                if line.state == State::Verified {
                    chunk.effects.push(Effect::ArchiveDropped { path: month::path(&line.archive) });
                }
                cursor.behind = Some(line.archive);
            }
            Outcome::Refused(why) => {
                chunk.rows.push(Found { state: State::Refused, object: None, ..line.clone() }.row()?);
                chunk.summary.insert("refused".to_owned(), 1);
                cursor.refused.insert(line.archive.clone(), why);
                cursor.behind = Some(line.archive);
            }
        }
        chunk.next = Some(serde_json::to_value(cursor).map_err(Fault::fatal)?);
        Ok(chunk)
    }

    /// The archive behind that one, or a month without messages.
    async fn next(&self, run: &Run, behind: Option<&str>) -> Result<Option<Found>, Fault> {
        let found = lines(&self.db, run.instance, None).await?;
        let mut ready = found.into_iter().filter(|line| matches!(line.state, State::Verified | State::Empty));
        Ok(ready.find(|line| behind.is_none_or(|behind| *line.archive > *behind)))
    }

    async fn ask(&self, line: &Found) -> Result<Outcome, Fault> {
        let body = DropPartition { rows: line.messages, checksum: line.sha256.clone().unwrap_or_default() };
        let answer = self.chat.post(&path::drop(month::of(&line.archive)), &body).await;
        match answer {
            Ok(DroppedPartition { checksum: None, .. }) => Ok(Outcome::Counting),
            // Also when it was gone: then this is done again.
            Ok(_) => Ok(Outcome::Dropped),
            Err(CallError::Refused { status: StatusCode::CONFLICT, problem, .. }) => {
                let why = problem.map_or_else(|| "it is not what was archived".to_owned(), |one| one.message);
                Ok(Outcome::Refused(why))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn end(cursor: &Cursor) -> Result<Chunk, Fault> {
    if cursor.refused.is_empty() {
        return Ok(Chunk::default());
    }
    let refused: Vec<_> = cursor.refused.iter().map(|(archive, why)| format!("{archive}: {why}")).collect();
    Err(Fault::fatal(anyhow!(
        "chat did not drop what changed since it was read, and nothing of it is lost ({}). Start a new run, not this one \
         again: it archives these months anew, beside their archives",
        refused.join("; ")
    )))
}
