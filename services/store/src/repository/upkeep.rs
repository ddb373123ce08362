//! Who cleans up, and what is late.

use sqlx::PgConnection;

/// The one instance that cleans up now. Held until the transaction ends.
pub async fn try_lock(db: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(hashtextextended('store-upkeep', 0)) as "mine!""#)
        .fetch_one(db)
        .await
}

/// For how many seconds the oldest idempotency key has been due to go; 0 when none is.
pub async fn overdue_keys(db: &mut PgConnection) -> Result<f64, sqlx::Error> {
    let oldest = sqlx::query_scalar!(
        "select extract(epoch from now() - min(expires_at))::float8 from idempotency_key"
    )
    .fetch_one(db)
    .await?;
    Ok(oldest.unwrap_or(0.0).max(0.0))
}
