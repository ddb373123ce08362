//! What streams read: many rooms at once, and only ever what is committed.

use chrono::{DateTime, Utc};
use contract::chat::{ContentType, Message, SenderType};
use contract::id::{MessageId, RoomId, UserId};
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::message;

/// What is asked of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub room: RoomId,
    /// Messages behind this one.
    pub after: i64,
    /// None of which is older than this; times rise with the numbers.
    pub since: Option<DateTime<Utc>>,
}

/// How much of each room one answer may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// At most so many messages.
    pub messages: i64,
    /// A message that begins behind so many bytes of content and metadata waits for the next page.
    pub bytes: i64,
    /// Nothing that lies further behind the room's newest message.
    pub reach: i64,
}

/// A piece of a room, as of one moment.
#[derive(Debug)]
pub struct Page {
    /// The sequence of the room's newest message at that moment, in the page or not.
    pub last_seq: i64,
    /// The room was left, or is gone.
    pub left: bool,
    /// In order. What was archived leaves a gap.
    pub messages: Vec<Message>,
}

struct Row {
    number: i64,
    last_seq: i64,
    left: bool,
    room_id: RoomId,
    seq: Option<i64>,
    id: Option<MessageId>,
    sender_type: Option<SenderType>,
    sender_id: Option<Uuid>,
    content: Option<String>,
    content_type: Option<ContentType>,
    metadata: Option<Json<Box<RawValue>>>,
    edited: Option<bool>,
    deleted: Option<bool>,
    created_at: Option<DateTime<Utc>>,
}

impl Row {
    /// `None` for a room without messages behind the wanted one.
    fn message(self) -> Option<Message> {
        Some(Message {
            id: self.id?,
            chatroom_id: self.room_id,
            sender_type: self.sender_type?,
            sender_id: self.sender_id,
            content: self.content?,
            content_type: self.content_type?,
            sequence_number: self.seq?,
            is_edited: self.edited?,
            is_deleted: self.deleted?,
            created_at: self.created_at?,
            metadata: self.metadata.map(|Json(text)| text),
        })
    }
}

/// The next messages of each room, in the order of `wanted`, by one statement.
///
/// No message is older than its room, nor than what is known to lie before it, which spares the partitions of the
/// time before; by a day at most, should clocks have differed.
pub async fn pages(
    db: &mut PgConnection,
    wanted: &[Wanted],
    bounds: Bounds,
) -> Result<Vec<Page>, sqlx::Error> {
    let (rooms, afters): (Vec<_>, Vec<_>) = wanted.iter().map(|w| (w.room.as_uuid(), w.after)).unzip();
    let since: Vec<_> = wanted.iter().map(|w| w.since).collect();
    let rows = sqlx::query_file_as!(
        Row,
        "src/repository/live_pages.sql",
        &rooms,
        &afters,
        bounds.messages,
        bounds.bytes,
        bounds.reach,
        &since as &[Option<DateTime<Utc>>],
    )
    .fetch_all(db)
    .await?;
    Ok(sorted_into_pages(rows, wanted.len()))
}

fn sorted_into_pages(rows: Vec<Row>, wanted: usize) -> Vec<Page> {
    let mut pages: Vec<Page> =
        std::iter::repeat_with(|| Page { last_seq: 0, left: true, messages: Vec::new() })
            .take(wanted)
            .collect();
    for row in rows {
        let page = usize::try_from(row.number - 1).ok().and_then(|at| pages.get_mut(at));
        let Some(page) = page else { continue };
        page.last_seq = row.last_seq;
        page.left = row.left;
        page.messages.extend(row.message());
    }
    pages
}

/// How far a room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub room: RoomId,
    pub last_seq: i64,
    pub left: bool,
}

/// Of those of the rooms that are there.
pub async fn heads(db: &mut PgConnection, rooms: &[RoomId]) -> Result<Vec<Head>, sqlx::Error> {
    let rooms: Vec<Uuid> = rooms.iter().map(|room| room.as_uuid()).collect();
    sqlx::query_as!(
        Head,
        r#"
        select id as "room: RoomId", last_seq, deleted_at is not null as "left!"
        from chat_room
        where id = any($1)
        "#,
        &rooms
    )
    .fetch_all(db)
    .await
}

/// A room that a stream is opened on.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub id: RoomId,
    pub owner: UserId,
    pub last_seq: i64,
    /// Whether its user has written anything.
    pub begun: bool,
    pub created_at: DateTime<Utc>,
}

/// The room, unless it was left.
pub async fn place(db: &mut PgConnection, room: RoomId) -> Result<Option<Place>, sqlx::Error> {
    sqlx::query_as!(
        Place,
        r#"
        select
          id as "id: RoomId",
          user_id as "owner: UserId",
          last_seq,
          last_user_message_at is not null as "begun!",
          created_at
        from chat_room
        where id = $1 and deleted_at is null
        "#,
        room.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// Bots' replies up to the message `until` that no stream has got so far: the newest `limit` of them, oldest first.
pub async fn owed(
    db: &mut PgConnection,
    room: &Place,
    until: i64,
    limit: i64,
) -> Result<Vec<Message>, sqlx::Error> {
    let rows = sqlx::query_as!(
        message::Row,
        r#"
        select
          message.room_id as "room_id: RoomId",
          message.seq,
          message.id as "id: MessageId",
          message.sender_type as "sender_type: SenderType",
          message.sender_id,
          message.content,
          message.content_type as "content_type: ContentType",
          message.metadata as "metadata: Json<Box<RawValue>>",
          message.edited_at is not null as "edited!",
          message.deleted_at is not null as "deleted!",
          message.created_at
        from chat_room room
        cross join lateral (
          select turn.user_message_seq + 1 as seq
          from turn
          where turn.room_id = room.id
            and turn.delivered_at is null
            and turn.state = 'DONE'
            and turn.user_message_seq < $2
          order by turn.user_message_seq desc
          limit $3
        ) owed
        join message on message.room_id = room.id
          and message.seq = owed.seq
          and message.created_at >= room.created_at - interval '1 day'
        where room.id = $1
        order by message.seq
        "#,
        room.id.as_uuid(),
        until,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// What a room begins with: the bot's greeting and the guide.
pub async fn beginning(db: &mut PgConnection, room: &Place) -> Result<Vec<Message>, sqlx::Error> {
    let mut messages = message::range(db, room.id, room.created_at, 1, 2).await?;
    messages.retain(|message| message.sender_type != SenderType::User);
    Ok(messages)
}

/// Streams have got these rooms' replies.
pub async fn mark_delivered(db: &mut PgConnection, replies: &[(RoomId, i64)]) -> Result<(), sqlx::Error> {
    let (rooms, seqs): (Vec<Uuid>, Vec<i64>) =
        replies.iter().map(|(room, seq)| (room.as_uuid(), *seq)).unzip();
    sqlx::query!(
        r#"
        update turn
        set delivered_at = now()
        from unnest($1::uuid[], $2::bigint[]) as got (room_id, seq)
        where turn.room_id = got.room_id
          and turn.user_message_seq = got.seq - 1
          and turn.delivered_at is null
          and turn.state = 'DONE'
        "#,
        &rooms,
        &seqs
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says it to everybody who listens to the channel, as soon as this is committed.
pub async fn notify(db: &mut PgConnection, channel: &str, text: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"select pg_notify($1, $2) as "done: ()""#, channel, text).execute(db).await?;
    Ok(())
}
