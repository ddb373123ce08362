//! Rooms.

use chrono::{DateTime, Utc};
use contract::chat::{Concept, ContentType, Interaction, Level, Room, SenderType};
use contract::id::{BotId, MessageId, RoomId, UserId};
use sqlx::PgConnection;

use super::message::{self, NewMessage};

/// A room in whatever state, so that the caller decides what a left one is to it.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: RoomId,
    pub user_id: UserId,
    pub chatbot_id: BotId,
    pub name: String,
    pub description: Option<String>,
    pub concept: Concept,
    pub intimacy_level: i16,
    pub last_seq: i64,
    pub last_message_id: Option<MessageId>,
    pub last_message_at: Option<DateTime<Utc>>,
    pub archived: bool,
    pub deleted: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<Row> for Room {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            chatbot_id: row.chatbot_id,
            name: row.name,
            description: row.description,
            concept: row.concept,
            intimacy_level: row.intimacy_level,
            last_message_at: row.last_message_at,
            last_message_id: row.last_message_id,
            is_archived: row.archived,
            is_deleted: row.deleted,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// What a new room begins with.
pub struct NewRoom<'a> {
    pub id: RoomId,
    pub user_id: UserId,
    pub chatbot_id: BotId,
    pub name: &'a str,
    pub concept: Concept,
    pub level: Level,
    pub greeting_id: MessageId,
    pub greeting: &'a str,
    pub guide_id: MessageId,
    pub guide: &'a str,
}

/// What to change; `None` leaves as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change<'a> {
    pub name: Option<&'a str>,
    /// The inner `None` removes it.
    pub description: Option<Option<&'a str>>,
    pub archived: Option<bool>,
}

/// Rooms as they are stored, of whatever the rest of the statement says.
macro_rules! rows {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            Row,
            r#"
            select
              id as "id: RoomId",
              user_id as "user_id: UserId",
              chatbot_id as "chatbot_id: BotId",
              name,
              description,
              concept as "concept: Concept",
              intimacy_level,
              last_seq,
              last_message_id as "last_message_id: MessageId",
              last_message_at,
              archived_at is not null as "archived!",
              deleted_at is not null as "deleted!",
              created_at,
              updated_at
            from chat_room
            "# + $rest
            $(, $argument)*
        )
    };
}

pub async fn find(db: &mut PgConnection, id: RoomId) -> Result<Option<Row>, sqlx::Error> {
    rows!("where id = $1", id.as_uuid()).fetch_optional(db).await
}

/// The user's active room with the bot, which takes the concept and the level.
pub async fn enter(
    db: &mut PgConnection,
    user: UserId,
    bot: BotId,
    concept: Concept,
    level: Level,
) -> Result<Option<RoomId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        update chat_room
        set
          concept = $3,
          intimacy_level = $4,
          updated_at = case when (concept, intimacy_level) = ($3, $4) then updated_at else now() end
        where user_id = $1 and chatbot_id = $2 and deleted_at is null
        returning id as "id: RoomId"
        "#,
        user.as_uuid(),
        bot.as_uuid(),
        concept.as_str(),
        level.number()
    )
    .fetch_optional(db)
    .await
}

/// Makes the room with its greeting and its guide. False when the user has got one in the meantime.
pub async fn insert(db: &mut PgConnection, new: &NewRoom<'_>) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        r#"
        insert into chat_room
          (id, user_id, chatbot_id, name, concept, intimacy_level, last_seq, last_message_id, last_message_at)
        values ($1, $2, $3, $4, $5, $6, 2, $7, now())
        on conflict (user_id, chatbot_id) where deleted_at is null do nothing
        "#,
        new.id.as_uuid(),
        new.user_id.as_uuid(),
        new.chatbot_id.as_uuid(),
        new.name,
        new.concept.as_str(),
        new.level.number(),
        new.guide_id.as_uuid()
    )
    .execute(&mut *db)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    let opening = [
        NewMessage {
            id: new.greeting_id,
            seq: 1,
            sender_type: SenderType::Bot,
            sender_id: Some(new.chatbot_id.as_uuid()),
            content: new.greeting,
            content_type: ContentType::Text,
        },
        NewMessage {
            id: new.guide_id,
            seq: 2,
            sender_type: SenderType::System,
            sender_id: None,
            content: new.guide,
            content_type: ContentType::System,
        },
    ];
    for message in &opening {
        message::insert(db, new.id, message).await?;
    }
    Ok(true)
}

/// A page of the user's rooms by number, those with the newest activity first.
pub async fn list(
    db: &mut PgConnection,
    user: UserId,
    limit: i64,
    offset: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    rows!(
        r#"
            where user_id = $1 and deleted_at is null
            order by active_at desc, id desc
            limit $2 offset $3
        "#,
        user.as_uuid(),
        limit,
        offset
    )
    .fetch_all(db)
    .await
}

/// How many rooms the user has.
pub async fn count(db: &mut PgConnection, user: UserId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from chat_room where user_id = $1 and deleted_at is null"#,
        user.as_uuid()
    )
    .fetch_one(db)
    .await
}

/// One item for each bot that the user ever talked with, the newest talk first; also in rooms that are gone.
pub async fn interactions(
    db: &mut PgConnection,
    user: UserId,
    limit: i64,
) -> Result<Vec<Interaction>, sqlx::Error> {
    sqlx::query_as!(
        Interaction,
        r#"
        select
          talk.chatbot_id as "chatbot_id!: BotId",
          talk.room_id as "last_room_id!: RoomId",
          talk.at as "last_interaction_at!",
          bot.name as "chatbot_name!"
        from (
          select distinct on (chatbot_id) chatbot_id, room_id, at
          from (
            select chatbot_id, id as room_id, coalesce(last_user_message_at, created_at) as at
            from chat_room
            where user_id = $1
            union all
            select chatbot_id, last_room_id, last_interaction_at
            from room_interaction
            where user_id = $1
          ) every
          order by chatbot_id, at desc
        ) talk
        join chatbot bot on bot.id = talk.chatbot_id
        order by talk.at desc
        limit $2
        "#,
        user.as_uuid(),
        limit
    )
    .fetch_all(db)
    .await
}

/// Changes a room.
pub async fn update(db: &mut PgConnection, id: RoomId, change: Change<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update chat_room
        set
          name = coalesce($2, name),
          description = case when $3 then $4 else description end,
          archived_at = case
            when $5::boolean is null then archived_at
            when $5 then coalesce(archived_at, now())
          end,
          updated_at = now()
        where id = $1
        "#,
        id.as_uuid(),
        change.name,
        change.description.is_some(),
        change.description.flatten(),
        change.archived
    )
    .execute(db)
    .await?;
    Ok(())
}

pub async fn set_level(db: &mut PgConnection, id: RoomId, level: Level) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update chat_room set intimacy_level = $2, updated_at = now() where id = $1",
        id.as_uuid(),
        level.number()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The room is left. Doing so again changes nothing.
pub async fn leave(db: &mut PgConnection, id: RoomId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update chat_room set deleted_at = now(), updated_at = now() where id = $1 and deleted_at is null",
        id.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}
