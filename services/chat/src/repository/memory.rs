//! What a model remembers of a room beyond the messages it is shown.

use contract::id::RoomId;
use sqlx::PgConnection;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    pub summary: String,
    /// The last message that it covers.
    pub until_seq: i64,
}

pub async fn find(db: &mut PgConnection, room: RoomId) -> Result<Option<Memory>, sqlx::Error> {
    sqlx::query_as!(
        Memory,
        r#"
        select summary, until_seq
        from room_memory
        where room_id = $1
        "#,
        room.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// Keeps it unless a memory that covers as much is there already; says whether it did.
pub async fn store(db: &mut PgConnection, room: RoomId, memory: &Memory) -> Result<bool, sqlx::Error> {
    let stored = sqlx::query!(
        r#"
        insert into room_memory as known (room_id, summary, until_seq)
        values ($1, $2, $3)
        on conflict (room_id) do update
        set summary = excluded.summary, until_seq = excluded.until_seq, updated_at = now()
        where known.until_seq < excluded.until_seq
        "#,
        room.as_uuid(),
        memory.summary,
        memory.until_seq
    )
    .execute(db)
    .await?;
    Ok(stored.rows_affected() > 0)
}
