//! Bookmarks. A deleted one stays for a while, as a place in the listing for the cursor that names it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::id::{BookmarkId, MessageId, RoomId, UserId};
use contract::store::{Bookmark, BotType};
use futures_util::stream::BoxStream;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::bookmark::Kept;

/// A bookmark as stored.
#[derive(Debug)]
pub struct Row {
    pub id: BookmarkId,
    pub message_id: MessageId,
    pub chatroom_id: RoomId,
    pub chatroom_name: Option<String>,
    pub bot_type: Option<BotType>,
    pub content: String,
    pub corrected_content: Option<String>,
    pub ai_response: Json<Box<RawValue>>,
    pub created_at: DateTime<Utc>,
}

impl Row {
    /// Roughly, for who collects many.
    pub fn bytes(&self) -> usize {
        self.content.len()
            + self.corrected_content.as_ref().map_or(0, String::len)
            + self.ai_response.get().len()
    }
}

impl From<Row> for Bookmark {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            message_id: row.message_id,
            chatroom_id: row.chatroom_id,
            chatroom_name: row.chatroom_name,
            content: row.content,
            corrected_content: row.corrected_content,
            ai_response: row.ai_response.0,
            bot_type: row.bot_type,
            created_at: row.created_at,
        }
    }
}

/// A place in a user's listing, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub created_at: DateTime<Utc>,
    pub id: BookmarkId,
}

impl Place {
    /// Before the newest one.
    pub const FIRST: Self =
        Self { created_at: DateTime::<Utc>::MAX_UTC, id: BookmarkId::from_uuid(Uuid::max()) };
}

/// Bookmarks as they are stored, of whatever the rest of the statement says.
macro_rules! rows {
    ($rest:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            Row,
            r#"
            select
              id as "id: BookmarkId",
              message_id as "message_id: MessageId",
              chatroom_id as "chatroom_id: RoomId",
              chatroom_name,
              bot_type as "bot_type: BotType",
              content,
              corrected_content,
              ai_response as "ai_response: Json<Box<RawValue>>",
              created_at
            from bookmark
            "# + $rest
            $(, $argument)*
        )
    };
}

/// Until the transaction ends, nobody else adds to the user's bookmarks or deletes from them.
pub async fn lock(db: &mut PgConnection, user: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('bookmarks of ' || $1::uuid, 0))",
        user.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Under the [`lock`]. `None` when the user has one of this message.
///
/// The time is that of the insertion, and later than that of every other one of the user's, also when the clock was set
/// back: what is committed later stands in front of what anybody has read.
pub async fn insert(
    db: &mut PgConnection,
    id: BookmarkId,
    user: UserId,
    kept: &Kept<'_>,
    room_name: Option<&str>,
) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        insert into bookmark (
          id, user_id, message_id, chatroom_id, chatroom_name, chatbot_id, bot_type, content, corrected_content,
          ai_response, created_at
        )
        values (
          $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::json,
          greatest(
            clock_timestamp(),
            (
              select max(created_at) + interval '1 microsecond'
              from bookmark
              where user_id = $2 and deleted_at is null
            )
          )
        )
        on conflict (user_id, message_id) where deleted_at is null do nothing
        returning
          id as "id: BookmarkId",
          message_id as "message_id: MessageId",
          chatroom_id as "chatroom_id: RoomId",
          chatroom_name,
          bot_type as "bot_type: BotType",
          content,
          corrected_content,
          ai_response as "ai_response: Json<Box<RawValue>>",
          created_at
        "#,
        id.as_uuid(),
        user.as_uuid(),
        kept.message.as_uuid(),
        kept.room.as_uuid(),
        room_name,
        kept.bot.as_uuid(),
        kept.bot_type.map(BotType::as_str),
        kept.content,
        kept.corrected_content,
        kept.ai_response
    )
    .fetch_optional(db)
    .await
}

/// The user's bookmark of a message.
pub async fn find(
    db: &mut PgConnection,
    user: UserId,
    message: MessageId,
) -> Result<Option<Row>, sqlx::Error> {
    rows!("where user_id = $1 and message_id = $2 and deleted_at is null", user.as_uuid(), message.as_uuid())
        .fetch_optional(db)
        .await
}

/// All bookmarks of a user, newest first.
pub fn all(db: &mut PgConnection, user: UserId, limit: i64) -> BoxStream<'_, Result<Row, sqlx::Error>> {
    rows!(
        r#"
        where user_id = $1 and deleted_at is null
        order by created_at desc, id desc
        limit $2
        "#,
        user.as_uuid(),
        limit
    )
    .fetch(db)
}

/// Those of one room, newest first.
pub fn of_room(
    db: &mut PgConnection,
    user: UserId,
    room: RoomId,
    limit: i64,
) -> BoxStream<'_, Result<Row, sqlx::Error>> {
    rows!(
        r#"
        where user_id = $1 and chatroom_id = $2 and deleted_at is null
        order by created_at desc, id desc
        limit $3
        "#,
        user.as_uuid(),
        room.as_uuid(),
        limit
    )
    .fetch(db)
}

/// Those of messages of one kind of bot, newest first.
pub fn of_bot_type(
    db: &mut PgConnection,
    user: UserId,
    bot_type: BotType,
    limit: i64,
) -> BoxStream<'_, Result<Row, sqlx::Error>> {
    rows!(
        r#"
        where user_id = $1 and bot_type = $2 and deleted_at is null
        order by created_at desc, id desc
        limit $3
        "#,
        user.as_uuid(),
        bot_type.as_str(),
        limit
    )
    .fetch(db)
}

/// Where a bookmark of the user's stands, or stood.
pub async fn place(
    db: &mut PgConnection,
    user: UserId,
    id: BookmarkId,
) -> Result<Option<Place>, sqlx::Error> {
    sqlx::query_as!(
        Place,
        r#"select created_at, id as "id: BookmarkId" from bookmark where id = $1 and user_id = $2"#,
        id.as_uuid(),
        user.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// Those behind a place, newest first.
pub async fn behind(
    db: &mut PgConnection,
    user: UserId,
    place: Place,
    limit: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    rows!(
        r#"
        where user_id = $1 and deleted_at is null and (created_at, id) < ($2, $3)
        order by created_at desc, id desc
        limit $4
        "#,
        user.as_uuid(),
        place.created_at,
        place.id.as_uuid(),
        limit
    )
    .fetch_all(db)
    .await
}

/// A page by number, newest first.
pub async fn newest_page(
    db: &mut PgConnection,
    user: UserId,
    limit: i64,
    offset: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    rows!(
        r#"
        where user_id = $1 and deleted_at is null
        order by created_at desc, id desc
        limit $2 offset $3
        "#,
        user.as_uuid(),
        limit,
        offset
    )
    .fetch_all(db)
    .await
}

/// A page by number, oldest first.
pub async fn oldest_page(
    db: &mut PgConnection,
    user: UserId,
    limit: i64,
    offset: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    rows!(
        r#"
        where user_id = $1 and deleted_at is null
        order by created_at, id
        limit $2 offset $3
        "#,
        user.as_uuid(),
        limit,
        offset
    )
    .fetch_all(db)
    .await
}

/// How many the user has.
pub async fn count(db: &mut PgConnection, user: UserId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from bookmark where user_id = $1 and deleted_at is null"#,
        user.as_uuid()
    )
    .fetch_one(db)
    .await
}

/// Whose it is, unless it was deleted.
pub async fn owner(db: &mut PgConnection, id: BookmarkId) -> Result<Option<UserId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select user_id as "user_id: UserId" from bookmark where id = $1 and deleted_at is null"#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// Under the [`lock`]: deletes those of the user's that are there, and says how many there were.
pub async fn delete(db: &mut PgConnection, user: UserId, ids: &[Uuid]) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"
        update bookmark
        set deleted_at = now()
        where id = any($1) and user_id = $2 and deleted_at is null
        "#,
        ids,
        user.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Removes up to `limit` that were deleted longer than `age` ago, oldest first, and says how many there were.
pub async fn purge(db: &mut PgConnection, age: Duration, limit: i64) -> Result<u64, sqlx::Error> {
    let purged = sqlx::query!(
        r#"
        delete from bookmark
        where id in (
          select id
          from bookmark
          where deleted_at <= now() - make_interval(secs => $1)
          order by deleted_at
          limit $2
        )
        "#,
        age.as_secs_f64(),
        limit
    )
    .execute(db)
    .await?;
    Ok(purged.rows_affected())
}

/// For how many seconds the oldest deleted one has been due to go; 0 when none is.
pub async fn overdue(db: &mut PgConnection, age: Duration) -> Result<f64, sqlx::Error> {
    // A maximum of ages would read every row: the minimum of a time is the first of its index.
    let oldest = sqlx::query_scalar!(
        r#"
        select extract(epoch from now() - min(deleted_at))::float8
        from bookmark
        where deleted_at is not null
        "#
    )
    .fetch_one(db)
    .await?;
    Ok((oldest.unwrap_or(0.0) - age.as_secs_f64()).max(0.0))
}
