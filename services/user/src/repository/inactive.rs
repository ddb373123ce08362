//! Accounts that nobody uses any more.

use chrono::{DateTime, Utc};
use contract::id::UserId;
use contract::user::maintenance::{InactiveUser, Settlement};
use contract::user::{Role, UserSnapshot, UserStatus, pseudonym};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::inactive::{FIRST_NAME, LAST_NAME, NAME, Place};

/// Open accounts that were last used before `before`, behind `after`. Administrators are not among them: whoever looks
/// after the system only in need must get in then.
pub async fn idle(
    db: &mut PgConnection,
    before: DateTime<Utc>,
    after: Place,
    limit: i64,
) -> Result<Vec<InactiveUser>, sqlx::Error> {
    sqlx::query_as!(
        InactiveUser,
        r#"
        select
          p.id as "id: UserId",
          'DEACTIVATE' as "action!: Settlement",
          coalesce(p.last_conn_time, p.created_at) as "since!",
          p.version
        from user_profile p
        where p.status = 'ACTIVE'
          and p.signup_state <> 'PENDING'
          and coalesce(p.last_conn_time, p.created_at) < $1
          and (coalesce(p.last_conn_time, p.created_at), p.id) > ($2, $3)
          and not exists (select from user_role r where r.user_id = p.id and r.role = 'ROLE_ADMIN')
        order by coalesce(p.last_conn_time, p.created_at), p.id
        limit $4
        "#,
        before,
        after.since,
        after.id.as_uuid(),
        limit
    )
    .fetch_all(db)
    .await
}

/// Accounts that were closed before `before` and still say whose they were, behind `after`.
pub async fn withdrawn(
    db: &mut PgConnection,
    before: DateTime<Utc>,
    after: Place,
    limit: i64,
) -> Result<Vec<InactiveUser>, sqlx::Error> {
    sqlx::query_as!(
        InactiveUser,
        r#"
        select
          id as "id: UserId",
          'PSEUDONYMISE' as "action!: Settlement",
          inactive_since as "since!",
          version
        from user_profile
        where status = 'INACTIVE'
          and pseudonymised_at is null
          and inactive_since < $1
          and (inactive_since, id) > ($2, $3)
        order by inactive_since, id
        limit $4
        "#,
        before,
        after.since,
        after.id.as_uuid(),
        limit
    )
    .fetch_all(db)
    .await
}

/// How many there are of both kinds.
pub async fn count(
    db: &mut PgConnection,
    inactive_before: DateTime<Utc>,
    withdrawn_before: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let total = sqlx::query_scalar!(
        r#"
        select
          (
            select count(*)
            from user_profile p
            where p.status = 'ACTIVE'
              and p.signup_state <> 'PENDING'
              and coalesce(p.last_conn_time, p.created_at) < $1
              and not exists (select from user_role r where r.user_id = p.id and r.role = 'ROLE_ADMIN')
          )
          + (
            select count(*)
            from user_profile
            where status = 'INACTIVE' and pseudonymised_at is null and inactive_since < $2
          ) as "total!"
        "#,
        inactive_before,
        withdrawn_before
    )
    .fetch_one(db)
    .await?;
    Ok(total.unsigned_abs())
}

/// Accounts as columns.
struct Columns {
    ids: Vec<Uuid>,
    since: Vec<DateTime<Utc>>,
    versions: Vec<i64>,
}

impl From<&[InactiveUser]> for Columns {
    fn from(seen: &[InactiveUser]) -> Self {
        Self {
            ids: seen.iter().map(|user| user.id.as_uuid()).collect(),
            since: seen.iter().map(|user| user.since).collect(),
            versions: seen.iter().map(|user| user.version).collect(),
        }
    }
}

/// Closes those accounts that are open and as they were seen, and answers them. One that somebody is changing at this
/// moment is in use: it is passed over, which is also why nobody waits here.
pub async fn deactivate(
    db: &mut PgConnection,
    seen: &[InactiveUser],
) -> Result<Vec<UserSnapshot>, sqlx::Error> {
    let seen = Columns::from(seen);
    sqlx::query_as!(
        UserSnapshot,
        r#"
        with locked as materialized (
          select p.id
          from user_profile p
          join unnest($1::uuid[], $2::timestamptz[], $3::bigint[]) as seen (id, since, version)
            on seen.id = p.id
          where p.status = 'ACTIVE'
            and p.signup_state <> 'PENDING'
            and p.version = seen.version
            and coalesce(p.last_conn_time, p.created_at) = seen.since
            and not exists (select from user_role r where r.user_id = p.id and r.role = 'ROLE_ADMIN')
          order by p.id
          for no key update of p skip locked
        )
        update user_profile p
        set status = 'INACTIVE', version = p.version + 1, updated_at = now()
        from locked
        where p.id = locked.id
        returning
          p.id as "id: UserId",
          p.email,
          p.name,
          'ROLE_USER' as "role!: Role",
          p.status as "status: UserStatus",
          p.version
        "#,
        &seen.ids,
        &seen.since,
        &seen.versions
    )
    .fetch_all(db)
    .await
}

/// Takes everything that says whose they were out of those accounts that are closed and as they were seen, and answers
/// them. What is kept of their addresses is kept apart from them, in an order that says nothing.
pub async fn pseudonymise(
    db: &mut PgConnection,
    seen: &[InactiveUser],
) -> Result<Vec<UserSnapshot>, sqlx::Error> {
    let pseudonyms: Vec<String> = seen.iter().map(|user| pseudonym(user.id)).collect();
    let seen = Columns::from(seen);
    sqlx::query_file_as!(
        UserSnapshot,
        "src/repository/pseudonymise.sql",
        &seen.ids,
        &seen.since,
        &seen.versions,
        &pseudonyms,
        FIRST_NAME,
        LAST_NAME,
        NAME
    )
    .fetch_all(db)
    .await
}
