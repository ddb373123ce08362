//! Rooms that are removed for good, and what reports count.

use chrono::{DateTime, NaiveDate, Utc};
use contract::chat::maintenance::{
    DayStatistics, MessageStatistics, RoomRecord, RoomStatistics, TokenStatistics, TurnStatistics,
};
use contract::id::{BotId, RoomId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

/// A room that was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub id: RoomId,
    pub left_at: DateTime<Utc>,
    /// How many messages it has had.
    pub messages: i64,
}

/// The room in whatever state.
pub async fn room(db: &mut PgConnection, id: RoomId) -> Result<Option<RoomRecord>, sqlx::Error> {
    sqlx::query_as!(
        RoomRecord,
        r#"
        select
          id as "id: RoomId",
          user_id as "user_id: UserId",
          chatbot_id as "chatbot_id: BotId",
          name,
          deleted_at is not null as "is_deleted!"
        from chat_room
        where id = $1
        "#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// Rooms left before `before`, in the order in which they were, behind `after`.
pub async fn left(
    db: &mut PgConnection,
    before: DateTime<Utc>,
    after: (DateTime<Utc>, RoomId),
    limit: i64,
) -> Result<Vec<Left>, sqlx::Error> {
    sqlx::query_as!(
        Left,
        r#"
        select id as "id: RoomId", deleted_at as "left_at!", last_seq as messages
        from chat_room
        where deleted_at < $1 and (deleted_at, id) > ($2, $3)
        order by deleted_at, id
        limit $4
        "#,
        before,
        after.0,
        after.1.as_uuid(),
        limit
    )
    .fetch_all(db)
    .await
}

/// Locks those of the rooms that are still there, always in the same order. Whoever writes into one is waited for, and
/// finds it gone afterwards.
pub async fn lock(db: &mut PgConnection, rooms: &[Uuid]) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id
        from chat_room
        where id = any($1) and deleted_at is not null
        order by id
        for update
        "#,
        rooms
    )
    .fetch_all(db)
    .await
}

/// Deletes a room's oldest messages, up to `limit`, and says how many there were.
pub async fn delete_oldest_messages(
    db: &mut PgConnection,
    room: Uuid,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"
        delete from message
        where room_id = $1
          and seq < $2 + coalesce((select min(seq) from message where room_id = $1), 0)
        "#,
        room,
        limit
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes the rooms' messages and says how many there were.
pub async fn delete_messages(db: &mut PgConnection, rooms: &[Uuid]) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!("delete from message where room_id = any($1)", rooms).execute(db).await?;
    Ok(deleted.rows_affected())
}

/// Keeps of the rooms what `last-interactions` answers.
pub async fn remember(db: &mut PgConnection, rooms: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into room_interaction as known (user_id, chatbot_id, last_room_id, last_interaction_at)
        select user_id, chatbot_id, id, at
        from (
          select distinct on (user_id, chatbot_id)
            user_id, chatbot_id, id, coalesce(last_user_message_at, created_at) as at
          from chat_room
          where id = any($1)
          order by user_id, chatbot_id, at desc, id desc
        ) newest
        -- The same order everywhere: two purges that meet must not wait for each other.
        order by user_id, chatbot_id
        on conflict (user_id, chatbot_id) do update
        set last_room_id = excluded.last_room_id, last_interaction_at = excluded.last_interaction_at
        where known.last_interaction_at < excluded.last_interaction_at
        "#,
        rooms
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the rooms with everything that hangs on them but their messages, and says how many there were.
pub async fn delete_rooms(db: &mut PgConnection, rooms: &[Uuid]) -> Result<u64, sqlx::Error> {
    sqlx::query!("delete from presence where room_id = any($1)", rooms).execute(&mut *db).await?;
    // How well somebody is doing with a bot outlives the room in which it was last seen.
    sqlx::query!(
        r#"
        update intimacy_progress p
        set room_id = null
        from chat_room r
        where r.id = any($1)
          and (p.user_id, p.chatbot_id, p.room_id) = (r.user_id, r.chatbot_id, r.id)
        "#,
        rooms
    )
    .execute(&mut *db)
    .await?;
    // Keys, turns, memory, tickets and marks go by their foreign keys.
    let deleted = sqlx::query!("delete from chat_room where id = any($1)", rooms).execute(db).await?;
    Ok(deleted.rows_affected())
}

/// What happened on a day (UTC).
pub async fn statistics(
    db: &mut PgConnection,
    day: NaiveDate,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<DayStatistics, sqlx::Error> {
    let messages = sqlx::query!(
        r#"
        select
          count(*) filter (where sender_type = 'user') as "user!",
          count(*) filter (where sender_type = 'bot') as "bot!",
          count(*) filter (where sender_type = 'system') as "system!",
          -- Only an answer carries what was made of the question.
          count(*) filter (where sender_type = 'bot' and metadata is not null) as "answers!",
          count(distinct room_id) filter (where sender_type = 'user') as "rooms!",
          count(distinct sender_id) filter (where sender_type = 'user') as "users!"
        from message
        where created_at >= $1 and created_at < $2
        "#,
        from,
        to
    )
    .fetch_one(&mut *db)
    .await?;
    let rest = sqlx::query!(
        r#"
        select
          (select count(*) from chat_room where created_at >= $1 and created_at < $2) as "created!",
          (select count(*) from chat_room where deleted_at >= $1 and deleted_at < $2) as "left!",
          coalesce(sum(turns), 0)::bigint as "turns!",
          coalesce(sum(prompt_tokens), 0)::bigint as "prompt!",
          coalesce(sum(completion_tokens), 0)::bigint as "completion!"
        from usage_day
        where day = $3
        "#,
        from,
        to,
        day
    )
    .fetch_one(db)
    .await?;
    Ok(DayStatistics {
        day,
        rooms: RoomStatistics { created: rest.created, left: rest.left, active: messages.rooms },
        messages: MessageStatistics { user: messages.user, bot: messages.bot, system: messages.system },
        active_users: messages.users,
        turns: TurnStatistics { answered: messages.answers, by_model: rest.turns },
        tokens: TokenStatistics { prompt: rest.prompt, completion: rest.completion },
    })
}
