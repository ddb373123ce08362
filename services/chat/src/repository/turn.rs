//! Turns: who answers which message, and whether the learner got the answer.

use contract::chat::{Concept, ContentType, Level, Message, SenderType};
use contract::id::{BotId, MessageId, RoomId, UserId};
use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::bot::Bot;

/// A turn that has not ended, with what is needed to answer.
#[derive(Debug, Clone)]
pub struct Open {
    pub id: Uuid,
    pub room: RoomId,
    pub user: UserId,
    pub bot: Bot,
    pub level: Level,
    pub message: MessageId,
    pub seq: i64,
    pub text: String,
    /// 1 for the instance that took the message, more for those that took the turn over.
    pub attempt: i32,
}

struct OpenRow {
    id: Uuid,
    room: RoomId,
    user: UserId,
    bot: BotId,
    bot_name: String,
    concept: Concept,
    level: i16,
    message: MessageId,
    seq: i64,
    text: String,
    attempt: i32,
}

impl From<OpenRow> for Open {
    fn from(row: OpenRow) -> Self {
        Self {
            id: row.id,
            room: row.room,
            user: row.user,
            bot: Bot { id: row.bot, name: row.bot_name, concept: row.concept },
            level: Level::nearest(row.level.into()),
            message: row.message,
            seq: row.seq,
            text: row.text,
            attempt: row.attempt,
        }
    }
}

/// Turns among `ids` that have not ended.
pub async fn open(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Open>, sqlx::Error> {
    let rows = sqlx::query_as!(
        OpenRow,
        r#"
        select
          turn.id,
          turn.room_id as "room: RoomId",
          room.user_id as "user: UserId",
          room.chatbot_id as "bot: BotId",
          bot.name as bot_name,
          room.concept as "concept: Concept",
          room.intimacy_level as level,
          turn.user_message_id as "message: MessageId",
          turn.user_message_seq as seq,
          said.content as text,
          turn.attempt
        from turn
        join chat_room room on room.id = turn.room_id
        join chatbot bot on bot.id = room.chatbot_id
        join message said
          on said.room_id = turn.room_id
          and said.seq = turn.user_message_seq
          and said.created_at >= room.created_at
        where turn.id = any($1) and turn.state <> 'DONE'
        "#,
        ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Open::from).collect())
}

/// The turn that keeps a room busy.
#[derive(Debug, Clone, Copy)]
pub struct InTheWay {
    pub id: Uuid,
    /// Since its message was stored.
    pub age_secs: f64,
}

/// The turn that keeps the room busy.
pub async fn of_room(db: &mut PgConnection, room: RoomId) -> Result<Option<InTheWay>, sqlx::Error> {
    sqlx::query_as!(
        InTheWay,
        r#"
        select id, extract(epoch from now() - created_at)::float8 as "age_secs!"
        from turn
        where room_id = $1 and state <> 'DONE'
        "#,
        room.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// Keeps the leases of turns that this process works on alive.
pub async fn renew(db: &PgPool, owner: &str, turns: &[Uuid], lease_secs: f64) -> Result<(), sqlx::Error> {
    if turns.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        update turn
        set lease_until = now() + make_interval(secs => $3)
        where id = any($2) and lease_owner = $1 and state = 'RUNNING'
        "#,
        owner,
        turns,
        lease_secs
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes over turns whose owner has not renewed its lease.
pub async fn take_over(
    db: &PgPool,
    owner: &str,
    lease_secs: f64,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        update turn
        set
          state = 'RUNNING',
          lease_owner = $1,
          lease_until = now() + make_interval(secs => $2),
          attempt = attempt + 1
        where id in (
          select id
          from turn
          where state <> 'DONE' and (lease_until is null or lease_until < now())
          order by lease_until nulls first
          limit $3
          for update skip locked
        )
        returning id
        "#,
        owner,
        lease_secs,
        limit
    )
    .fetch_all(db)
    .await
}

/// A bot's reply that is to be stored.
pub struct NewReply<'a> {
    pub id: MessageId,
    pub content: &'a str,
    pub metadata: &'a RawValue,
    /// Whether the analysis corrected anything.
    pub corrected: bool,
    pub feedback: &'a RawValue,
    pub detected_level: i16,
}

/// Ends the turn with the bot's reply, directly behind the message that it answers; `None` when somebody else has
/// ended it.
pub async fn finish(
    db: &mut PgConnection,
    turn: &Open,
    reply: &NewReply<'_>,
) -> Result<Option<Message>, sqlx::Error> {
    let stored = sqlx::query_file!(
        "src/repository/turn_finish.sql",
        turn.room.as_uuid(),
        turn.seq,
        reply.id.as_uuid(),
        turn.bot.id.as_uuid(),
        reply.content,
        Json(reply.metadata) as _,
        turn.id,
        turn.user.as_uuid(),
        reply.detected_level,
        reply.corrected,
        Json(reply.feedback) as _
    )
    .fetch_optional(db)
    .await?;
    Ok(stored.map(|stored| Message {
        id: reply.id,
        chatroom_id: turn.room,
        sender_type: SenderType::Bot,
        sender_id: Some(turn.bot.id.as_uuid()),
        content: reply.content.to_owned(),
        content_type: ContentType::Text,
        sequence_number: stored.seq,
        is_edited: false,
        is_deleted: false,
        created_at: stored.at,
        metadata: Some(reply.metadata.to_owned()),
    }))
}

/// Whether some turn of the room ended whose answer nobody is known to have got.
pub async fn is_owed(db: &mut PgConnection, room: RoomId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from turn where room_id = $1 and delivered_at is null and state = 'DONE') as "owed!""#,
        room.as_uuid()
    )
    .fetch_one(db)
    .await
}

/// The answers with numbers in `from..=to` were read.
pub async fn deliver(db: &mut PgConnection, room: RoomId, from: i64, to: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update turn
        set delivered_at = now()
        where room_id = $1
          and delivered_at is null
          and state = 'DONE'
          and user_message_seq + 1 between $2 and $3
        "#,
        room.as_uuid(),
        from,
        to
    )
    .execute(db)
    .await?;
    Ok(())
}
