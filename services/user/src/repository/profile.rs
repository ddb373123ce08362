//! Profiles with their roles and preferences.

use chrono::{DateTime, Utc};
use contract::id::UserId;
use contract::internal::{SignUpState, UserRecord};
use contract::user::{Role, UserDto, UserSnapshot, UserStatus};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::domain::change::Profile;
use crate::domain::email::Email;
use crate::domain::sign_up::NewAccount;

/// One user as stored. `PENDING` ones are shown to nobody but auth.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: UserId,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub name: String,
    pub picture: Option<String>,
    pub info: Option<String>,
    pub preferences: Option<Json<Map<String, Value>>>,
    pub last_conn_time: Option<DateTime<Utc>>,
    pub status: UserStatus,
    pub role: Role,
    pub coach_check: bool,
    pub exit_modal_do_not_show_again: bool,
    pub pending: bool,
    pub pseudonymised_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A sign-up that somebody has to finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    pub id: UserId,
    /// Whether auth may lack the credentials; otherwise it only lacks the confirmation.
    pub pending: bool,
}

impl Row {
    pub fn snapshot(&self) -> UserSnapshot {
        UserSnapshot {
            id: self.id,
            email: self.email.clone(),
            name: self.name.clone(),
            role: self.role,
            status: self.status,
            version: self.version,
        }
    }

    pub fn changeable(&self) -> Profile {
        Profile {
            email: self.email.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            name: self.name.clone(),
            picture: self.picture.clone(),
            info: self.info.clone(),
            coach_check: self.coach_check,
            exit_modal_do_not_show_again: self.exit_modal_do_not_show_again,
            status: self.status,
            role: self.role,
            version: self.version,
            pseudonymised: self.pseudonymised_at.is_some(),
        }
    }
}

impl From<Row> for UserDto {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            email: row.email,
            first_name: Some(row.first_name),
            last_name: Some(row.last_name),
            name: row.name,
            picture: row.picture,
            info: row.info,
            preferences: row.preferences.map(|json| json.0),
            last_conn_time: row.last_conn_time,
            status: row.status,
            role: row.role,
            coach_check: row.coach_check,
            exit_modal_do_not_show_again: row.exit_modal_do_not_show_again,
            created_at: Some(row.created_at),
            updated_at: Some(row.updated_at),
        }
    }
}

impl From<Row> for UserRecord {
    fn from(row: Row) -> Self {
        let sign_up = if row.pending { SignUpState::Pending } else { SignUpState::Active };
        Self { sign_up, version: row.version, user: row.into() }
    }
}

/// The user in whatever state, so that the caller decides what a pending one is to it.
pub async fn find(db: &mut PgConnection, id: UserId) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        select
          p.id as "id: UserId",
          p.email,
          p.first_name,
          p.last_name,
          p.name,
          p.picture,
          p.info,
          (select jsonb_object_agg(f.key, f.value) from preference f where f.user_id = p.id)
            as "preferences: Json<Map<String, Value>>",
          p.last_conn_time,
          p.status as "status: UserStatus",
          case
            when exists (select from user_role r where r.user_id = p.id and r.role = 'ROLE_ADMIN')
            then 'ROLE_ADMIN'
            else 'ROLE_USER'
          end as "role!: Role",
          p.coach_check,
          p.exit_modal_do_not_show_again,
          p.signup_state = 'PENDING' as "pending!",
          p.pseudonymised_at,
          p.version,
          p.created_at,
          p.updated_at
        from user_profile p
        where p.id = $1
        "#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// Keeps everybody else from changing the user until the transaction ends.
pub async fn lock(db: &mut PgConnection, id: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!("select id from user_profile where id = $1 for update", id.as_uuid())
        .fetch_optional(db)
        .await?;
    Ok(())
}

/// Whether the address belongs to an account in any state, withdrawn ones too, or did to one that says nothing any more.
pub async fn is_taken(db: &mut PgConnection, email: &Email) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select
          exists (select from user_profile where email_key = lower(btrim($1::text)))
          or exists (
            select from withdrawn_address where digest = sha256(convert_to(lower(btrim($1::text)), 'UTF8'))
          ) as "taken!"
        "#,
        email.as_str()
    )
    .fetch_one(db)
    .await
}

/// Whether the address was that of an account that says nothing any more.
async fn is_withdrawn(db: &mut PgConnection, email: &Email) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
          select from withdrawn_address where digest = sha256(convert_to(lower(btrim($1::text)), 'UTF8'))
        ) as "withdrawn!"
        "#,
        email.as_str()
    )
    .fetch_one(db)
    .await
}

/// Reserves the account. False when the address is taken, to be rolled back.
pub async fn insert_pending(
    db: &mut PgConnection,
    id: UserId,
    new: &NewAccount,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        r#"
        insert into user_profile (id, email, first_name, last_name, name, picture, info, signup_state)
        values ($1, $2, $3, $4, $5, $6, $7, 'PENDING')
        on conflict on constraint user_profile_email_key do nothing
        "#,
        id.as_uuid(),
        new.email.as_str(),
        new.first_name,
        new.last_name,
        new.name,
        new.picture,
        new.info
    )
    .execute(&mut *db)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    // Asked last: the insert may have waited for somebody who took the address out of an account.
    if is_withdrawn(db, &new.email).await? {
        return Ok(false);
    }
    set_role(db, id, new.role).await?;
    Ok(true)
}

/// The account exists from now on. False when the sign-up was rolled back in the meantime.
pub async fn activate(db: &mut PgConnection, id: UserId) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query!(
        r#"
        update user_profile
        set signup_state = 'ACTIVE', updated_at = now()
        where id = $1 and signup_state = 'PENDING'
        "#,
        id.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Auth knows that the account exists: nothing is left to do.
pub async fn confirm(db: &mut PgConnection, id: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update user_profile set signup_state = 'CONFIRMED' where id = $1 and signup_state = 'ACTIVE'",
        id.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a reserved address back. False when the account had become active before.
pub async fn discard(db: &mut PgConnection, id: UserId) -> Result<bool, sqlx::Error> {
    let deleted =
        sqlx::query!("delete from user_profile where id = $1 and signup_state = 'PENDING'", id.as_uuid())
            .execute(db)
            .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Sign-ups that were begun at least so many seconds ago and are not finished, oldest first.
pub async fn unfinished(
    db: &mut PgConnection,
    older_than_secs: f64,
    limit: i64,
) -> Result<Vec<Unfinished>, sqlx::Error> {
    sqlx::query_as!(
        Unfinished,
        r#"
        select
          id as "id: UserId",
          signup_state = 'PENDING' as "pending!"
        from user_profile
        where signup_state <> 'CONFIRMED'
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

/// The user was here at that time, unless later is known. Nobody asked for this change, so it is none of the profile:
/// its version, and with it the entity tag that an open form holds, stays, and nobody is told.
pub async fn seen(db: &mut PgConnection, id: UserId, at: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update user_profile
        set last_conn_time = $2
        where id = $1 and (last_conn_time is null or last_conn_time < $2)
        "#,
        id.as_uuid(),
        at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Stores a changed profile; the caller holds its lock.
pub async fn update(db: &mut PgConnection, id: UserId, profile: &Profile) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update user_profile
        set
          first_name = $2,
          last_name = $3,
          name = $4,
          picture = $5,
          info = $6,
          coach_check = $7,
          exit_modal_do_not_show_again = $8,
          status = $9,
          version = $10,
          updated_at = now()
        where id = $1
        "#,
        id.as_uuid(),
        profile.first_name,
        profile.last_name,
        profile.name,
        profile.picture,
        profile.info,
        profile.coach_check,
        profile.exit_modal_do_not_show_again,
        profile.status.as_str(),
        profile.version
    )
    .execute(&mut *db)
    .await?;
    set_role(db, id, profile.role).await
}

/// Makes the role the user's highest one.
async fn set_role(db: &mut PgConnection, id: UserId, role: Role) -> Result<(), sqlx::Error> {
    if role == Role::User {
        sqlx::query!("delete from user_role where user_id = $1 and role = 'ROLE_ADMIN'", id.as_uuid())
            .execute(&mut *db)
            .await?;
    }
    sqlx::query!(
        r#"
        insert into user_role (user_id, role)
        select $1, given.role
        from unnest(array['ROLE_USER', $2::text]) as given (role)
        on conflict do nothing
        "#,
        id.as_uuid(),
        role.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}
