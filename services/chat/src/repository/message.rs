//! Messages: reading them, and writing what learners and bots say.

use chrono::{DateTime, Utc};
use contract::chat::{ContentType, Message, SenderType};
use contract::id::{MessageId, RoomId, UserId};
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A message as stored.
#[derive(Debug)]
pub struct Row {
    pub room_id: RoomId,
    pub seq: i64,
    pub id: MessageId,
    pub sender_type: SenderType,
    pub sender_id: Option<Uuid>,
    pub content: String,
    pub content_type: ContentType,
    pub metadata: Option<Json<Box<RawValue>>>,
    pub edited: bool,
    pub deleted: bool,
    pub created_at: DateTime<Utc>,
}

impl From<Row> for Message {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            chatroom_id: row.room_id,
            sender_type: row.sender_type,
            sender_id: row.sender_id,
            content: row.content,
            content_type: row.content_type,
            sequence_number: row.seq,
            is_edited: row.edited,
            is_deleted: row.deleted,
            created_at: row.created_at,
            metadata: row.metadata.map(|json| json.0),
        }
    }
}

/// A message whose number is known.
pub struct NewMessage<'a> {
    pub id: MessageId,
    pub seq: i64,
    pub sender_type: SenderType,
    pub sender_id: Option<Uuid>,
    pub content: &'a str,
    pub content_type: ContentType,
}

/// Messages of one user for one room, in their order, to be numbered and stored at once.
#[derive(Debug, Default)]
pub struct Batch {
    pub ids: Vec<Uuid>,
    pub contents: Vec<String>,
    pub content_types: Vec<String>,
    /// No two are the same.
    pub client_ids: Vec<Option<String>>,
    /// The turn that the last one opens, if it does.
    pub turn: Option<Uuid>,
}

/// What became of one message of a [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Stored {
        seq: i64,
        at: DateTime<Utc>,
    },
    /// It was sent before under the same id of the client's, and has this number.
    Known {
        seq: i64,
        at: DateTime<Utc>,
    },
    /// The room is not the sender's, was left, or is busy with a turn: nothing was stored.
    Refused,
}

pub async fn insert(db: &mut PgConnection, room: RoomId, new: &NewMessage<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into message (room_id, seq, id, sender_type, sender_id, content, content_type)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        room.as_uuid(),
        new.seq,
        new.id.as_uuid(),
        new.sender_type.as_str(),
        new.sender_id,
        new.content,
        new.content_type.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Messages of the room with numbers in `from..=to`, in order. `since` is the room's creation: older months are not
/// even looked at.
pub async fn range(
    db: &mut PgConnection,
    room: RoomId,
    since: DateTime<Utc>,
    from: i64,
    to: i64,
) -> Result<Vec<Message>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select
          room_id as "room_id: RoomId",
          seq,
          id as "id: MessageId",
          sender_type as "sender_type: SenderType",
          sender_id,
          content,
          content_type as "content_type: ContentType",
          metadata as "metadata: Json<Box<RawValue>>",
          edited_at is not null as "edited!",
          deleted_at is not null as "deleted!",
          created_at
        from message
        where room_id = $1 and seq between $2 and $3 and created_at >= $4
        order by seq
        "#,
        room.as_uuid(),
        from,
        to,
        since
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// Numbers and stores the batch, in one statement: its messages are directly behind each other, whoever else
/// writes. An id of the client's that another instance stores at the same moment is a unique violation of
/// `message_key_pkey`; the next attempt sees it.
pub async fn store(
    db: &PgPool,
    room: RoomId,
    sender: UserId,
    batch: &Batch,
    owner: &str,
    lease_secs: f64,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/repository/message_store.sql",
        room.as_uuid(),
        sender.as_uuid(),
        &batch.ids,
        &batch.contents,
        &batch.content_types,
        &batch.client_ids as &[Option<String>],
        batch.turn,
        owner,
        lease_secs
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| match (row.known.zip(row.known_at), row.stored.zip(row.at)) {
            (Some((seq, at)), _) => Outcome::Known { seq, at },
            (None, Some((seq, at))) => Outcome::Stored { seq, at },
            (None, None) => Outcome::Refused,
        })
        .collect())
}
