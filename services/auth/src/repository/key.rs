//! Sealed signing keys.

use serde_json::Value;
use sqlx::PgConnection;

/// A key that signs or signed tokens.
pub struct StoredKey {
    pub kid: String,
    pub sealed_private_key: Vec<u8>,
    pub public_jwk: Value,
    /// The one that signs; the others only verify.
    pub signs: bool,
}

/// Makes replicas that start together agree on one key: the lock ends with the transaction.
const KEY_CREATION_LOCK: i64 = 0x_6b65_7973;

pub async fn lock_creation(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock($1)", KEY_CREATION_LOCK).fetch_one(db).await?;
    Ok(())
}

/// All keys that verifiers must know, the signing one first.
pub async fn all(db: &mut PgConnection) -> Result<Vec<StoredKey>, sqlx::Error> {
    sqlx::query_as!(
        StoredKey,
        r#"
        select
          kid,
          sealed_private_key,
          public_jwk,
          state = 'SIGNING' as "signs!"
        from signing_key
        where algorithm = 'ES256'
        order by state = 'SIGNING' desc, created_at desc
        "#
    )
    .fetch_all(db)
    .await
}

pub async fn insert_signing(
    db: &mut PgConnection,
    kid: &str,
    sealed_private_key: &[u8],
    public_jwk: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into signing_key (kid, algorithm, sealed_private_key, public_jwk, state, signing_since)
        values ($1, 'ES256', $2, $3, 'SIGNING', now())
        "#,
        kid,
        sealed_private_key,
        public_jwk
    )
    .execute(db)
    .await?;
    Ok(())
}
