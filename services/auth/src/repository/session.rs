//! Logins, and the refresh tokens that descend from each.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::id::{SessionId, UserId};
use contract::user::UserStatus;
use sqlx::PgConnection;

use crate::domain::refresh::Presented;

/// A new login.
pub struct NewSession<'a> {
    pub id: SessionId,
    pub user: UserId,
    pub address: Option<IpAddr>,
    pub user_agent: Option<&'a str>,
    pub lifetime_secs: f64,
}

/// A refresh token with what decides about it.
pub struct StoredToken {
    pub session: SessionId,
    pub user: UserId,
    pub presented: Presented,
    /// The database's clock, the only one that times here are compared with.
    pub now: DateTime<Utc>,
}

/// Why a session ended, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    Logout,
    Reuse,
    /// The user was suspended or has left.
    Status,
}

impl EndReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "LOGOUT",
            Self::Reuse => "REUSE",
            Self::Status => "STATUS",
        }
    }
}

/// Who was here is told at most so often (api.md, events).
const TELL_EVERY: Duration = Duration::from_hours(1);
/// The longest part of a `User-Agent` that is kept.
const USER_AGENT_CHARS: usize = 512;

/// A user was here, and others have not been told for an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    pub at: DateTime<Utc>,
    /// Of the event that tells it, within the session.
    pub sequence: i64,
}

/// Stores a new session. Answers a start that is to be told; it costs no statement of its own, and takes no lock
/// while it is too early for one.
pub async fn insert(db: &mut PgConnection, new: &NewSession<'_>) -> Result<Option<Start>, sqlx::Error> {
    let user_agent: Option<String> = new.user_agent.map(|text| text.chars().take(USER_AGENT_CHARS).collect());
    sqlx::query_as!(
        Start,
        r#"
        with told as (
          insert into session_start as known (user_id, told_at)
          select $2, now()
          where not exists (
            select from session_start where user_id = $2 and told_at > now() - make_interval(secs => $6)
          )
          on conflict (user_id) do update
          set told_at = excluded.told_at
          where known.told_at <= now() - make_interval(secs => $6)
          returning told_at
        ),
        stored as (
          insert into session (id, user_id, ip_address, user_agent, expires_at, events)
          values ($1, $2, $3::text::inet, $4, now() + make_interval(secs => $5), (select count(*) from told))
          returning events
        )
        select told.told_at as at, stored.events as sequence
        from told
        cross join stored
        "#,
        new.id.as_uuid(),
        new.user.as_uuid(),
        new.address.map(|address| address.to_string()),
        user_agent,
        new.lifetime_secs,
        TELL_EVERY.as_secs_f64()
    )
    .fetch_optional(db)
    .await
}

pub async fn insert_token(
    db: &mut PgConnection,
    hash: &[u8],
    session: SessionId,
    lifetime_secs: f64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into token (hash, session_id, expires_at)
        values ($1, $2, now() + make_interval(secs => $3))
        "#,
        hash,
        session.as_uuid(),
        lifetime_secs
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The token and its session, locked: whoever presents one of the family at the same moment waits, and then
/// sees what came of it.
pub async fn lock_token(db: &mut PgConnection, hash: &[u8]) -> Result<Option<StoredToken>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select
          t.session_id as "session: SessionId",
          s.user_id as "user: UserId",
          t.expires_at,
          t.rotated_at,
          s.ended_at is not null as "ended!",
          u.status as "status: UserStatus",
          clock_timestamp() as "now!"
        from token t
        join session s on s.id = t.session_id
        join auth_user u on u.id = s.user_id
        where t.hash = $1
        for update of t, s
        "#,
        hash
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| StoredToken {
        session: row.session,
        user: row.user,
        presented: Presented {
            expires_at: row.expires_at,
            rotated_at: row.rotated_at,
            session_ended: row.ended,
            status: row.status,
        },
        now: row.now,
    }))
}

/// Marks a token as exchanged, and its session as used; both live so much longer. Answers a start that is to be told,
/// like [`insert`].
pub async fn rotate(
    db: &mut PgConnection,
    hash: &[u8],
    session: SessionId,
    lifetime_secs: f64,
) -> Result<Option<Start>, sqlx::Error> {
    sqlx::query_as!(
        Start,
        r#"
        with exchanged as (
          update token set rotated_at = clock_timestamp() where hash = $1
        ),
        told as (
          insert into session_start as known (user_id, told_at)
          select user_id, now()
          from session
          where id = $2
            and not exists (
              select
              from session_start s
              where s.user_id = session.user_id and s.told_at > now() - make_interval(secs => $4)
            )
          on conflict (user_id) do update
          set told_at = excluded.told_at
          where known.told_at <= now() - make_interval(secs => $4)
          returning told_at
        ),
        used as (
          update session
          set
            last_used_at = now(),
            expires_at = now() + make_interval(secs => $3),
            events = events + (select count(*) from told)
          where id = $2
          returning events
        )
        select told.told_at as at, used.events as sequence
        from told
        cross join used
        "#,
        hash,
        session.as_uuid(),
        lifetime_secs,
        TELL_EVERY.as_secs_f64()
    )
    .fetch_optional(db)
    .await
}

/// Whose session it is, if it still runs and its user may log in.
pub async fn live_user(db: &mut PgConnection, session: SessionId) -> Result<Option<UserId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select s.user_id as "user: UserId"
        from session s
        join auth_user u on u.id = s.user_id
        where s.id = $1
          and s.ended_at is null
          and u.status = 'ACTIVE'
        "#,
        session.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// A session that was ended just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub user: UserId,
    /// Of the event that tells it, the session's last.
    pub sequence: i64,
}

/// Ends a session, if it was not over already.
pub async fn end(
    db: &mut PgConnection,
    session: SessionId,
    reason: EndReason,
) -> Result<Option<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        r#"
        update session
        set ended_at = now(), end_reason = $2, events = events + 1
        where id = $1
          and ended_at is null
        returning user_id as "user: UserId", events as sequence
        "#,
        session.as_uuid(),
        reason.as_str()
    )
    .fetch_optional(db)
    .await
}

/// Ends all sessions of a user. Answers how many there were.
pub async fn end_all(db: &mut PgConnection, user: UserId, reason: EndReason) -> Result<u64, sqlx::Error> {
    let ended = sqlx::query!(
        r#"
        update session
        set ended_at = now(), end_reason = $2
        where user_id = $1
          and ended_at is null
        "#,
        user.as_uuid(),
        reason.as_str()
    )
    .execute(db)
    .await?;
    Ok(ended.rows_affected())
}
