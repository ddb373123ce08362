//! What reports count. The security trail outlives the sessions that it tells of.

use chrono::{DateTime, Utc};
use contract::auth::maintenance::{LoginStatistics, SessionStatistics};
use sqlx::PgConnection;

pub async fn logins(
    db: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<LoginStatistics, sqlx::Error> {
    sqlx::query_as!(
        LoginStatistics,
        r#"
        select
          count(*) filter (where kind = 'LOGIN_SUCCEEDED') as "succeeded!",
          count(*) filter (where kind = 'LOGIN_FAILED') as "failed!",
          count(*) filter (where kind = 'LOGIN_REFUSED') as "refused!",
          count(*) filter (where kind = 'LOGIN_THROTTLED') as "throttled!"
        from audit
        where at >= $1 and at < $2
        "#,
        from,
        to
    )
    .fetch_one(db)
    .await
}

/// `begun` is what the trail says: it is told apart from the logins only in name.
pub async fn sessions(
    db: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    begun: i64,
) -> Result<SessionStatistics, sqlx::Error> {
    let over = sqlx::query!(
        r#"
        select
          count(*) filter (where ended_at <= expires_at and end_reason = 'LOGOUT') as "logged_out!",
          count(*) filter (where ended_at <= expires_at and end_reason = 'REUSE') as "reused!",
          count(*) filter (where ended_at <= expires_at and end_reason not in ('LOGOUT', 'REUSE'))
            as "revoked!",
          count(*) filter (where ended_at is null or ended_at > expires_at) as "expired!"
        from session
        where least(ended_at, expires_at) >= $1
          and least(ended_at, expires_at) < $2
          -- What will be over later today is not yet.
          and least(ended_at, expires_at) <= now()
        "#,
        from,
        to
    )
    .fetch_one(db)
    .await?;
    Ok(SessionStatistics {
        begun,
        logged_out: over.logged_out,
        reused: over.reused,
        revoked: over.revoked,
        expired: over.expired,
    })
}

pub async fn active_users(
    db: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "users!"
        from (
          select user_id
          from audit
          where at >= $1 and at < $2 and kind = 'LOGIN_SUCCEEDED'
          union
          select user_id
          from session
          where last_used_at >= $1 and last_used_at < $2
        ) seen
        "#,
        from,
        to
    )
    .fetch_one(db)
    .await
}
