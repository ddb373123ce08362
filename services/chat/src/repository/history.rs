//! What was said in a room, as a model is told of it.

use contract::chat::SenderType;
use contract::id::RoomId;
use sqlx::PgConnection;

/// A message of the past. The system's are left out: they are for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub seq: i64,
    pub sender: SenderType,
    pub content: String,
}

/// The last `limit` messages below `seq`, newest first.
pub async fn before(
    db: &mut PgConnection,
    room: RoomId,
    seq: i64,
    limit: i64,
) -> Result<Vec<Said>, sqlx::Error> {
    sqlx::query_as!(
        Said,
        r#"
        select seq, sender_type as "sender: SenderType", content
        from message
        where room_id = $1 and seq < $2 and sender_type in ('user', 'bot') and deleted_at is null
        order by seq desc
        limit $3
        "#,
        room.as_uuid(),
        seq,
        limit
    )
    .fetch_all(db)
    .await
}

/// The first `limit` messages behind `after` and below `before`, oldest first.
pub async fn between(
    db: &mut PgConnection,
    room: RoomId,
    after: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<Said>, sqlx::Error> {
    sqlx::query_as!(
        Said,
        r#"
        select seq, sender_type as "sender: SenderType", content
        from message
        where room_id = $1 and seq > $2 and seq < $3 and sender_type in ('user', 'bot') and deleted_at is null
        order by seq
        limit $4
        "#,
        room.as_uuid(),
        after,
        before,
        limit
    )
    .fetch_all(db)
    .await
}
