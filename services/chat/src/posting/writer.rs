//! Stores one batch, whatever stands in its way.

use std::sync::Arc;
use std::time::Duration;

use chassis::ApiError;
use chrono::{DateTime, Utc};
use contract::chat::Message;
use sqlx::PgPool;
use tokio::time::Instant;

use super::queue::Key;
use super::{Posted, Waiting, message};
use crate::error::Error;
use crate::live::Live;
use crate::repository::message::{Batch, Outcome};
use crate::repository::{self, room};
use crate::turn::Turns;

/// A message waits this long for the end of a turn, then ends it.
const TURN_LIMIT: Duration = Duration::from_secs(5);
/// Another instance may store a resend at the same moment: the next attempt sees it.
const ATTEMPTS: usize = 3;

pub(super) struct Writer {
    db: PgPool,
    live: Live,
    turns: Turns,
}

impl Writer {
    pub(super) fn new(db: PgPool, live: Live, turns: Turns) -> Self {
        Self { db, live, turns }
    }

    /// Stores the messages and tells those who wait.
    pub(super) async fn write(&self, key: Key, messages: Vec<Waiting>) {
        match self.store(key, &messages).await {
            Ok(outcomes) => self.tell(key, messages, outcomes).await,
            Err(error) => refuse(messages, &error.into()),
        }
    }

    async fn store(&self, key: Key, messages: &[Waiting]) -> Result<Vec<Outcome>, Error> {
        let batch = batch(messages);
        let since = messages.first().map_or_else(Instant::now, |first| first.since);
        let (mut races, mut looked_again) = (0, false);
        loop {
            let stored = self.turns.store(key.room, key.sender, &batch).await;
            match stored {
                Ok(outcomes) if !outcomes.contains(&Outcome::Refused) => return Ok(outcomes),
                // The message in the way may have been the same one, sent a moment ago: then it is known by now.
                Ok(_) if !looked_again => looked_again = true,
                Ok(_) => self.make_room(key, since).await?,
                Err(error) if is_resend(&error) && races < ATTEMPTS => races += 1,
                Err(error) => return Err(error.into()),
            }
            if messages.iter().all(|waiting| waiting.told.is_closed()) {
                return Err(Error::Abandoned);
            }
        }
    }

    /// Waits for the turn that keeps the room busy, or says why nothing can be stored at all.
    async fn make_room(&self, key: Key, since: Instant) -> Result<(), Error> {
        let mut db = self.db.acquire().await?;
        let room = room::find(&mut db, key.room).await?.ok_or(Error::RoomNotFound)?;
        drop(db);
        if room.user_id != key.sender {
            return Err(Error::NotYours);
        }
        if room.deleted {
            return Err(Error::RoomNotFound);
        }
        self.turns.make_room(key.room, since + TURN_LIMIT).await
    }

    async fn tell(&self, key: Key, messages: Vec<Waiting>, outcomes: Vec<Outcome>) {
        let (mut fresh, mut resent) = (Vec::new(), Vec::new());
        for (waiting, outcome) in messages.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Stored { seq, at } => {
                    let message = Arc::new(message(key, &waiting, seq, at));
                    fresh.push(message.clone());
                    let answered = waiting.turn.map(|turn| self.turns.begin(turn));
                    // Whoever asked may have gone; the message is stored all the same.
                    let _ = waiting.told.send(Ok(Posted { message, answered }));
                }
                Outcome::Known { seq, at } => resent.push((waiting, seq, at)),
                // A batch with a refused one is not told but tried again.
                Outcome::Refused => {}
            }
        }
        if !fresh.is_empty() {
            self.live.stored(key.room, &fresh);
        }
        for (waiting, seq, at) in resent {
            let known = self.known(key, seq, at).await;
            let posted = known.map(|message| Posted { message, answered: None }).map_err(ApiError::from);
            let _ = waiting.told.send(posted);
        }
    }

    async fn known(&self, key: Key, seq: i64, at: DateTime<Utc>) -> Result<Arc<Message>, Error> {
        let mut db = self.db.acquire().await?;
        let found = repository::message::range(&mut db, key.room, at, seq, seq).await?;
        // Its month may have been archived since.
        found.into_iter().next().map(Arc::new).ok_or(Error::MessageGone)
    }
}

fn batch(messages: &[Waiting]) -> Batch {
    Batch {
        ids: messages.iter().map(|waiting| waiting.id.as_uuid()).collect(),
        contents: messages.iter().map(|waiting| waiting.composed.content.clone()).collect(),
        content_types: messages
            .iter()
            .map(|waiting| waiting.composed.content_type.as_str().to_owned())
            .collect(),
        client_ids: messages.iter().map(|waiting| waiting.composed.client_message_id.clone()).collect(),
        turn: messages.iter().find_map(|waiting| waiting.turn),
    }
}

fn is_resend(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) == Some("message_key_pkey")
}

fn refuse(messages: Vec<Waiting>, error: &ApiError) {
    for waiting in messages {
        // Whoever asked may have gone.
        let _ = waiting.told.send(Err(error.clone()));
    }
}
