//! What the payment provider has told us by itself.

use contract::id::PaymentId;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;

/// Stores a webhook as it came, with the payment that it is about if we know that one. False for one that is stored
/// already.
pub async fn store(
    db: &mut PgConnection,
    provider: &str,
    event_id: &str,
    payment: PaymentId,
    payload: &RawValue,
) -> Result<bool, sqlx::Error> {
    let stored = sqlx::query!(
        r#"
        insert into payment_event (provider, event_id, payment_id, payload)
        values ($1, $2, (select id from payment where id = $3), $4)
        on conflict (provider, event_id) do nothing
        "#,
        provider,
        event_id,
        payment.as_uuid(),
        Json(payload) as _
    )
    .execute(db)
    .await?;
    Ok(stored.rows_affected() == 1)
}

/// Its payment is ours, and whoever is at work on that knows of it.
pub async fn applied(db: &mut PgConnection, provider: &str, event_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update payment_event
        set applied_at = now()
        where provider = $1 and event_id = $2 and payment_id is not null
        "#,
        provider,
        event_id
    )
    .execute(db)
    .await?;
    Ok(())
}
