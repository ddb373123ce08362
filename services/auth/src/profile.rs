//! The profile behind an account: user's word, and auth's own copy when user does not answer in time.

use std::sync::Arc;

use chassis::cache::{Cache, Changed, Versioned};
use chassis::client::CallError;
use chassis::{ApiError, Platform, db};
use contract::auth::path;
use contract::code::ErrorCode;
use contract::id::UserId;
use contract::internal::UserRecord;
use contract::user::{UserDto, UserSnapshot};
use http::Method;
use tracing::warn;

use crate::copy;
use crate::error::Error;
use crate::repository::account::Account;
use crate::state::AppState;

/// The name of what auth goes on with when user does not answer.
const OWN_COPY: &str = "auth's own copy";

/// What user says about a user. Somebody waits for it: a second instance is asked when the first one dawdles.
pub async fn ask(state: &AppState, id: UserId) -> Result<Option<UserRecord>, CallError> {
    match state.user.request(Method::GET, &path::user(id)).hedged().send::<UserRecord>().await {
        Ok(record) => Ok(Some(record)),
        Err(error) if error.code() == Some(ErrorCode::UserNotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The profile as it is now: for what goes into tokens.
pub async fn current(state: &AppState, account: &Account) -> Result<UserDto, Error> {
    let known = account.into();
    match ask(state, account.id).await {
        Ok(found) => told(state, &known, found.as_ref()).await,
        // Login and refresh go on without user (api.md, edges).
        Err(error) => Ok(error.fall_back(OWN_COPY, |_| own_copy(&known))),
    }
}

/// The profile to show: what user said a moment ago will do, unless auth knows of a change since.
pub async fn shown(state: &AppState, known: &UserSnapshot) -> Result<UserDto, Error> {
    let mut found = remembered(state, known.id).await;
    if matches!(&found, Ok(Some(record)) if record.version < known.version) {
        state.profiles.invalidate(known.id, known.version).await;
        found = remembered(state, known.id).await;
    }
    match found {
        Ok(found) => told(state, known, found.as_deref()).await,
        Err(_counted) => Ok(own_copy(known)),
    }
}

/// Forgets profiles when events of user say that they changed.
pub fn follow_changes(platform: &Platform, profiles: &Cache<UserRecord>) {
    profiles.follow(platform, "user", |event| {
        // What else an event may tell is for the consumer to judge.
        let UserSnapshot { id, version, .. } = event.read().ok()?;
        Some(Changed { id: id.to_string(), version })
    });
}

async fn remembered(state: &AppState, id: UserId) -> Result<Option<Arc<UserRecord>>, ApiError> {
    let source = || {
        let state = state.clone();
        async move {
            match ask(&state, id).await {
                Ok(found) => Ok(found.map(|record| Versioned { version: record.version, value: record })),
                Err(error) => Err(error.fall_back(OWN_COPY, |_| ErrorCode::UpstreamUnavailable.into())),
            }
        }
    };
    state.profiles.get(id, source).await
}

async fn told(state: &AppState, known: &UserSnapshot, found: Option<&UserRecord>) -> Result<UserDto, Error> {
    let Some(record) = found else {
        warn!(user.id = %known.id, "user knows no profile of {}", known.id);
        return Ok(own_copy(known));
    };
    adopt(state, known, record).await?;
    Ok(record.user.clone())
}

/// Keeps the copy as new as what we were just told.
async fn adopt(state: &AppState, known: &UserSnapshot, record: &UserRecord) -> Result<(), Error> {
    if record.version <= known.version {
        return Ok(());
    }
    let user = &record.user;
    let snapshot = UserSnapshot {
        id: user.id,
        email: user.email.clone(),
        name: user.name.clone(),
        role: user.role,
        status: user.status,
        version: record.version,
    };
    // The event of the same change comes too late then: what it does to sessions and tokens happens here.
    let mut tx = db::begin(&state.db).await?;
    copy::take_over(&mut tx, &snapshot).await?;
    tx.commit().await?;
    Ok(())
}

/// What auth knows by itself: the rest is null, and the flags are false because the web client compares them.
fn own_copy(known: &UserSnapshot) -> UserDto {
    UserDto {
        id: known.id,
        email: known.email.clone(),
        first_name: None,
        last_name: None,
        name: known.name.clone(),
        picture: None,
        info: None,
        preferences: None,
        last_conn_time: None,
        status: known.status,
        role: known.role,
        coach_check: false,
        exit_modal_do_not_show_again: false,
        created_at: None,
        updated_at: None,
    }
}
