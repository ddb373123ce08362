//! How far users have read.

use contract::id::{RoomId, UserId};
use sqlx::PgConnection;

/// Moves the user's mark forward, at most to the newest message. `None` when it stands there or further already,
/// or when the room was left.
pub async fn advance(
    db: &mut PgConnection,
    room: RoomId,
    user: UserId,
    seq: i64,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        insert into read_mark as mark (room_id, user_id, seq)
        select id, $2, least($3, last_seq)
        from chat_room
        where id = $1 and deleted_at is null and least($3, last_seq) > 0
        on conflict (room_id, user_id) do update
        set seq = excluded.seq, updated_at = now()
        where mark.seq < excluded.seq
        returning seq
        "#,
        room.as_uuid(),
        user.as_uuid(),
        seq
    )
    .fetch_optional(db)
    .await
}
