//! What is old and of no use any more: listed, and removed unless it is a rehearsal.
//!
//! Each statement goes through an index in the order of time, so the last chunk of a million costs what the first does.

use chrono::{DateTime, Utc};
use contract::auth::maintenance::ExpiredSession;
use contract::id::{SessionId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::throttle::HIGHEST_LEVEL;

/// Whether anything is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Remove,
    Rehearse,
}

/// Sessions that were over before `before`, behind `after`, with their tokens. One that is being refreshed at this moment
/// is left out.
pub async fn sessions(
    db: &mut PgConnection,
    before: DateTime<Utc>,
    after: (DateTime<Utc>, Uuid),
    limit: i64,
    mode: Mode,
) -> Result<Vec<ExpiredSession>, sqlx::Error> {
    sqlx::query_as!(
        ExpiredSession,
        r#"
        with listed as materialized (
          select id, user_id, least(ended_at, expires_at) as over_at
          from session
          where least(ended_at, expires_at) < $1
            and (least(ended_at, expires_at), id) > ($2, $3)
          order by least(ended_at, expires_at), id
          limit $4
          for update skip locked
        ),
        removed_tokens as (
          delete from token t
          using listed
          where t.session_id = listed.id and $5
        ),
        removed as (
          delete from session s
          using listed
          where s.id = listed.id and $5
        )
        select
          listed.id as "id: SessionId",
          listed.user_id as "user_id: UserId",
          listed.over_at as "over_at!",
          -- As they were before this statement.
          (select count(*) from token t where t.session_id = listed.id) as "tokens!"
        from listed
        order by listed.over_at, listed.id
        "#,
        before,
        after.0,
        after.1,
        limit,
        mode == Mode::Remove
    )
    .fetch_all(db)
    .await
}

/// A token as it is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiredToken {
    pub expires_at: DateTime<Utc>,
    pub hash: Vec<u8>,
    /// Its session goes on. The others go with their sessions; a rehearsal still finds them.
    pub is_left_over: bool,
}

/// Tokens that expired before `before`, behind `after`; those of sessions that go on are removed.
pub async fn tokens(
    db: &mut PgConnection,
    before: DateTime<Utc>,
    after: (DateTime<Utc>, &[u8]),
    limit: i64,
    mode: Mode,
) -> Result<Vec<ExpiredToken>, sqlx::Error> {
    sqlx::query_as!(
        ExpiredToken,
        r#"
        -- So many are looked at, whatever their sessions are: a rehearsal would look for the next one of a session that
        -- goes on among all that do not.
        with listed as materialized (
          select hash, session_id, expires_at
          from token
          where expires_at < $1 and (expires_at, hash) > ($2, $3)
          order by expires_at, hash
          limit $4
          for update skip locked
        ),
        judged as materialized (
          select l.hash, l.expires_at, least(s.ended_at, s.expires_at) >= $1 as is_left_over
          from listed l
          join session s on s.id = l.session_id
        ),
        removed as (
          delete from token t
          using judged
          where t.hash = judged.hash and judged.is_left_over and $5
        )
        select expires_at, hash, is_left_over as "is_left_over!"
        from judged
        order by expires_at, hash
        "#,
        before,
        after.0,
        after.1,
        limit,
        mode == Mode::Remove
    )
    .fetch_all(db)
    .await
}

/// How many buckets of failed logins have run empty.
pub async fn empty_buckets(db: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let empty = sqlx::query_scalar!(
        r#"
        select count(*) as "empty!"
        from login_throttle
        where updated_at < now() - make_interval(secs => $1)
        "#,
        HIGHEST_LEVEL
    )
    .fetch_one(db)
    .await?;
    Ok(empty.unsigned_abs())
}

/// An entry of the security trail as it is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldEntry {
    pub at: DateTime<Utc>,
    pub id: i64,
}

/// Entries of the security trail from before `before`.
pub async fn audit(
    db: &mut PgConnection,
    before: DateTime<Utc>,
    after: (DateTime<Utc>, i64),
    limit: i64,
    mode: Mode,
) -> Result<Vec<OldEntry>, sqlx::Error> {
    sqlx::query_as!(
        OldEntry,
        r#"
        with listed as materialized (
          select at, id
          from audit
          where at < $1 and (at, id) > ($2, $3)
          order by at, id
          limit $4
        ),
        removed as (
          delete from audit a
          using listed
          where a.id = listed.id and $5
        )
        select at, id
        from listed
        order by at, id
        "#,
        before,
        after.0,
        after.1,
        limit,
        mode == Mode::Remove
    )
    .fetch_all(db)
    .await
}
