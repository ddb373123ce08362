//! What auth publishes: rows of the outbox, written in the transaction that ends the session.

use contract::auth::{RevocationReason, TokenRevoked, event};
use contract::id::{SessionId, UserId};
use sqlx::PgConnection;
use sqlx::types::Json;

/// Every token of the session is dead. A session ends once, so this is its first and only event.
pub async fn token_revoked(
    db: &mut PgConnection,
    user: UserId,
    session: SessionId,
    reason: RevocationReason,
) -> Result<(), sqlx::Error> {
    let data = TokenRevoked { sub: user, sid: session, reason };
    sqlx::query!(
        r#"
        insert into outbox (event_type, aggregate_type, aggregate_id, sequence, payload, traceparent)
        values ($1, 'session', $2, 1, $3, $4)
        "#,
        event::TOKEN_REVOKED,
        session.as_uuid(),
        Json(data) as _,
        chassis::context::current().trace.traceparent()
    )
    .execute(db)
    .await?;
    Ok(())
}
