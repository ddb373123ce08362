//! One-time entries to a room's WebSocket.

use chrono::{DateTime, Utc};
use contract::claims::AccessClaims;
use contract::id::RoomId;
use sqlx::PgConnection;
use sqlx::types::Json;

/// How many that nobody used are removed for each one that is made: they never pile up, and nobody waits.
const PURGED_AT_ONCE: i64 = 50;

/// What a ticket stood for.
#[derive(Debug, Clone)]
pub struct Used {
    pub room_id: RoomId,
    pub claims: Json<AccessClaims>,
    pub expired: bool,
}

/// Stores a ticket until `seconds` from now, at the latest until the token's own end, and says when that is.
pub async fn insert(
    db: &mut PgConnection,
    hash: &[u8],
    room: RoomId,
    claims: &AccessClaims,
    seconds: f64,
) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with purged as (
          delete from socket_ticket
          where hash in (
            select hash
            from socket_ticket
            where expires_at < now()
            order by expires_at
            limit $6
            for update skip locked
          )
        )
        insert into socket_ticket (hash, room_id, claims, expires_at)
        values ($1, $2, $3, least(now() + make_interval(secs => $4), to_timestamp($5::int8::float8)))
        returning expires_at
        "#,
        hash,
        room.as_uuid(),
        Json(claims) as _,
        seconds,
        claims.exp,
        PURGED_AT_ONCE
    )
    .fetch_one(db)
    .await
}

/// Takes a ticket: whoever races for it, one of them gets it.
pub async fn take(db: &mut PgConnection, hash: &[u8]) -> Result<Option<Used>, sqlx::Error> {
    sqlx::query_as!(
        Used,
        r#"
        delete from socket_ticket
        where hash = $1
        returning
          room_id as "room_id: RoomId",
          claims as "claims: Json<AccessClaims>",
          expires_at <= now() as "expired!"
        "#,
        hash
    )
    .fetch_optional(db)
    .await
}
