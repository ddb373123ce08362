//! Credentials with auth's copy of what tokens say about a user.

use chrono::{DateTime, Utc};
use contract::id::UserId;
use contract::user::{Role, UserSnapshot, UserStatus};
use sqlx::PgConnection;

/// One user's credentials.
#[derive(Clone)]
pub struct Account {
    pub id: UserId,
    pub email: String,
    /// Empty when no password is right.
    pub password_hash: String,
    pub name: String,
    pub role: Role,
    pub status: UserStatus,
    /// The sign-up is not finished: these credentials open nothing.
    pub pending: bool,
    pub profile_version: i64,
    /// Access tokens from before this are revoked.
    pub tokens_not_before: DateTime<Utc>,
}

impl From<&Account> for UserSnapshot {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id,
            email: account.email.clone(),
            name: account.name.clone(),
            role: account.role,
            status: account.status,
            version: account.profile_version,
        }
    }
}

/// What a new access token says about its user, and when it is issued.
pub struct Bearer {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub status: UserStatus,
    /// By the database's clock, and no earlier than what was revoked last.
    pub issued_at: DateTime<Utc>,
}

/// Access tokens of a user that were issued before a moment are dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// A whole second.
    pub not_before: DateTime<Utc>,
    /// 1, 2, 3 … for each user.
    pub number: i64,
}

/// What came of an attempt to reserve credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    Yes,
    /// The user has confirmed credentials already, or the address is somebody else's.
    Taken,
}

/// New credentials of a sign-up.
pub struct Pending<'a> {
    pub id: UserId,
    pub email: &'a str,
    pub password_hash: &'a str,
    pub name: &'a str,
    pub role: Role,
}

pub async fn find(db: &mut PgConnection, id: UserId) -> Result<Option<Account>, sqlx::Error> {
    sqlx::query_as!(
        Account,
        r#"
        select
          id as "id: UserId",
          email,
          password_hash,
          name,
          role as "role: Role",
          status as "status: UserStatus",
          signup_state = 'PENDING' as "pending!",
          profile_version,
          tokens_not_before
        from auth_user
        where id = $1
        "#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await
}

pub async fn find_by_email(db: &mut PgConnection, email: &str) -> Result<Option<Account>, sqlx::Error> {
    sqlx::query_as!(
        Account,
        r#"
        select
          id as "id: UserId",
          email,
          password_hash,
          name,
          role as "role: Role",
          status as "status: UserStatus",
          signup_state = 'PENDING' as "pending!",
          profile_version,
          tokens_not_before
        from auth_user
        where email_key = lower(btrim($1::text))
        "#,
        email
    )
    .fetch_optional(db)
    .await
}

/// Stores credentials that open nothing yet. Repeated for the same user, the last ones count.
///
/// To be rolled back when taken.
///
/// User reserves the address before it calls, so pending credentials of an *earlier* sign-up with the same
/// address are left over from one that came to nothing, and make room. Ids are ordered by time: a call that
/// arrives late, after the next sign-up's, finds a newer id and loses.
pub async fn reserve(db: &mut PgConnection, new: &Pending<'_>) -> Result<Reserved, sqlx::Error> {
    sqlx::query!(
        r#"
        delete from auth_user
        where email_key = lower(btrim($1::text))
          and signup_state = 'PENDING'
          and id < $2
        "#,
        new.email,
        new.id.as_uuid()
    )
    .execute(&mut *db)
    .await?;
    let stored = sqlx::query!(
        r#"
        insert into auth_user as a (id, email, password_hash, name, role, signup_state)
        values ($1, $2, $3, $4, $5, 'PENDING')
        on conflict (id) do update
        set email = excluded.email, password_hash = excluded.password_hash, updated_at = now()
        where a.signup_state = 'PENDING'
        "#,
        new.id.as_uuid(),
        new.email,
        new.password_hash,
        new.name,
        new.role.as_str()
    )
    .execute(db)
    .await;
    match stored {
        Ok(stored) if stored.rows_affected() == 1 => Ok(Reserved::Yes),
        Ok(_) => Ok(Reserved::Taken),
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("auth_user_email_key") => {
            Ok(Reserved::Taken)
        }
        Err(error) => Err(error),
    }
}

/// The sign-up is finished. False if there was nothing left to finish.
pub async fn confirm(db: &mut PgConnection, id: UserId) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query!(
        r#"
        update auth_user
        set signup_state = 'ACTIVE', updated_at = now()
        where id = $1 and signup_state = 'PENDING'
        "#,
        id.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Removes the credentials of a sign-up that came to nothing; those of an account stay.
pub async fn discard(db: &mut PgConnection, id: UserId) -> Result<bool, sqlx::Error> {
    let deleted =
        sqlx::query!("delete from auth_user where id = $1 and signup_state = 'PENDING'", id.as_uuid())
            .execute(db)
            .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Users whose credentials have been pending for at least so long, oldest first.
pub async fn left_pending(
    db: &mut PgConnection,
    older_than_secs: f64,
    limit: i64,
) -> Result<Vec<UserId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id as "id: UserId"
        from auth_user
        where signup_state = 'PENDING'
          and created_at <= now() - make_interval(secs => $1)
        order by created_at
        limit $2
        "#,
        older_than_secs,
        limit
    )
    .fetch_all(db)
    .await
}

pub async fn set_password_hash(db: &mut PgConnection, id: UserId, hash: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update auth_user set password_hash = $2, updated_at = now() where id = $1",
        id.as_uuid(),
        hash
    )
    .execute(db)
    .await?;
    Ok(())
}

/// From now on no password is right. Whoever tries one finds the same work done and the same answer.
pub async fn forget_password(db: &mut PgConnection, id: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!("update auth_user set password_hash = '' where id = $1", id.as_uuid()).execute(db).await?;
    Ok(())
}

/// The account, and nobody else changes it or hands out tokens for it until the transaction ends.
pub async fn lock(db: &mut PgConnection, id: UserId) -> Result<Option<Account>, sqlx::Error> {
    sqlx::query!("select id from auth_user where id = $1 for no key update", id.as_uuid())
        .fetch_optional(&mut *db)
        .await?;
    find(db, id).await
}

/// What a token that is issued now has to say. Waits for whoever changes the account just now: a token with
/// the old role must not get a time from after the change. Within a transaction, changes wait until it ends.
pub async fn bearer(db: &mut PgConnection, id: UserId) -> Result<Option<Bearer>, sqlx::Error> {
    sqlx::query_as!(
        Bearer,
        r#"
        select
          email,
          name,
          role as "role: Role",
          status as "status: UserStatus",
          greatest(clock_timestamp(), tokens_not_before) as "issued_at!"
        from auth_user
        where id = $1
        for share
        "#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// Replaces the copy; the caller holds the lock and knows that this one is newer. Answers the address that the
/// user has now: the old one when the new one is somebody else's here.
pub async fn set_copy(db: &mut PgConnection, copy: &UserSnapshot) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        update auth_user u
        set
          email = case
            when exists (select from auth_user o where o.email_key = lower(btrim($2::text)) and o.id <> $1)
            then u.email
            else $2
          end,
          name = $3,
          role = $4,
          status = $5,
          profile_version = $6,
          updated_at = now()
        where u.id = $1
        returning u.email
        "#,
        copy.id.as_uuid(),
        copy.email,
        copy.name,
        copy.role.as_str(),
        copy.status.as_str(),
        copy.version
    )
    .fetch_one(db)
    .await
}

/// Revokes every access token that was issued up to now. Later ones of the same second get the next one as
/// their time, which is why that is what is stored.
pub async fn revoke_tokens(db: &mut PgConnection, id: UserId) -> Result<Revocation, sqlx::Error> {
    sqlx::query_as!(
        Revocation,
        r#"
        update auth_user
        set
          tokens_not_before =
            greatest(date_trunc('second', clock_timestamp()), tokens_not_before) + interval '1 second',
          revocations = revocations + 1
        where id = $1
        returning tokens_not_before as not_before, revocations as number
        "#,
        id.as_uuid()
    )
    .fetch_one(db)
    .await
}
