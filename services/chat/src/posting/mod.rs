//! Storing what learners say: a number without a gap for each message, whoever else writes.
//!
//! The writers of one room would wait for each other at its row, one commit after the other. So in this process a
//! room has one writer at a time, who stores everything that has gathered while the last statement ran. A room that
//! is quiet pays nothing for that: its writer finds one message and stores it at once.

mod queue;
mod writer;

use std::sync::Arc;

use chassis::spawn::TaskSet;
use chassis::{ApiError, Platform};
use chrono::{DateTime, Utc};
use contract::chat::{Message, SenderType};
use contract::id::{MessageId, RoomId, UserId};
use sqlx::PgPool;
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::message::Composed;
use crate::error::Error;
use crate::live::Live;
use crate::turn::{Answered, Turns};

use self::queue::{Key, Queues};
use self::writer::Writer;

/// A message to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    pub room: RoomId,
    pub sender: UserId,
    pub composed: Composed,
    /// Whether the bot answers.
    pub turn: bool,
}

/// A stored message.
#[derive(Debug)]
pub struct Posted {
    pub message: Arc<Message>,
    /// The bot's answer comes 300 ms after this is dropped: when the sender has been told.
    pub answered: Option<Answered>,
}

/// One message that waits for its writer.
struct Waiting {
    id: MessageId,
    composed: Composed,
    turn: Option<Uuid>,
    since: Instant,
    told: oneshot::Sender<Result<Posted, ApiError>>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Posting {
    queues: Queues,
    tasks: TaskSet,
    writer: Arc<Writer>,
}

impl Posting {
    pub fn new(platform: &Platform, db: PgPool, live: Live, turns: Turns) -> Self {
        Self {
            queues: Queues::default(),
            tasks: platform.tasks().clone(),
            writer: Arc::new(Writer::new(db, live, turns)),
        }
    }

    /// Stores a message of the room's owner. While a bot answers another one, it waits for that.
    ///
    /// # Errors
    /// When the room is not the sender's or was left, when too many wait, or when the database fails; what then
    /// became of the message is known by sending it again with the same `clientMessageId`.
    pub async fn post(&self, new: New) -> Result<Posted, Error> {
        let (told, stored) = oneshot::channel();
        let key = Key { room: new.room, sender: new.sender };
        let waiting = Waiting {
            id: chassis::fresh_id(),
            composed: new.composed,
            turn: new.turn.then(Uuid::now_v7),
            since: Instant::now(),
            told,
        };
        if self.queues.push(key, waiting)? == queue::Pushed::First {
            let (queues, writer) = (self.queues.clone(), self.writer.clone());
            // Not in this request: whoever stores for others must not end with it.
            self.tasks.spawn("message-writer", async move {
                while let Some(batch) = queues.take(key) {
                    writer.write(key, batch).await;
                }
            });
        }
        Ok(stored.await.map_err(|_| Error::Stopping)??)
    }
}

/// What a stored message looks like, for those who wait for it.
fn message(key: Key, waiting: &Waiting, seq: i64, at: DateTime<Utc>) -> Message {
    Message {
        id: waiting.id,
        chatroom_id: key.room,
        sender_type: SenderType::User,
        sender_id: Some(key.sender.as_uuid()),
        content: waiting.composed.content.clone(),
        content_type: waiting.composed.content_type,
        sequence_number: seq,
        is_edited: false,
        is_deleted: false,
        created_at: at,
        metadata: None,
    }
}
