//! What user publishes: rows of the outbox, written in the transaction that changes the user.

use contract::user::UserSnapshot;
use sqlx::PgConnection;
use sqlx::types::Json;

/// Writes one event. Its sequence within the user is the snapshot's version, so every event has its own.
pub async fn publish(db: &mut PgConnection, kind: &str, user: &UserSnapshot) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into outbox (event_type, aggregate_type, aggregate_id, sequence, payload, traceparent)
        values ($1, 'user', $2, $3, $4, $5)
        "#,
        kind,
        user.id.as_uuid(),
        user.version,
        Json(user) as _,
        chassis::context::current().trace.traceparent()
    )
    .execute(db)
    .await?;
    Ok(())
}
