//! The profile behind an account: user's word, and auth's own copy when user does not answer in time.

use chassis::client::CallError;
use contract::auth::path;
use contract::code::ErrorCode;
use contract::id::UserId;
use contract::internal::UserRecord;
use contract::user::UserDto;
use tracing::warn;

use crate::error::Error;
use crate::repository::account::{self, Account, Copy};
use crate::state::AppState;

/// What user says about a user.
pub async fn ask(state: &AppState, id: UserId) -> Result<Option<UserRecord>, CallError> {
    match state.user.get::<UserRecord>(&path::user(id)).await {
        Ok(record) => Ok(Some(record)),
        Err(error) if error.code() == Some(ErrorCode::UserNotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The profile to show and to put into tokens.
pub async fn current(state: &AppState, account: &Account) -> Result<UserDto, Error> {
    match ask(state, account.id).await {
        Ok(Some(record)) => {
            adopt(state, account, &record).await?;
            Ok(record.user)
        }
        Ok(None) => {
            warn!(user.id = %account.id, "user knows no profile of {}", account.id);
            Ok(own_copy(account))
        }
        Err(error) => {
            warn!(user.id = %account.id, "answering with auth's own copy of {}: {error}", account.id);
            Ok(own_copy(account))
        }
    }
}

/// Keeps the copy as new as what we were just told.
async fn adopt(state: &AppState, account: &Account, record: &UserRecord) -> Result<(), Error> {
    if record.version <= account.profile_version {
        return Ok(());
    }
    let user = &record.user;
    let copy = Copy { name: &user.name, role: user.role, status: user.status, version: record.version };
    account::refresh_copy(&mut *state.db.acquire().await?, account.id, &copy).await?;
    Ok(())
}

/// What auth knows by itself: the rest is null, and the flags are false because the web client compares them.
fn own_copy(account: &Account) -> UserDto {
    UserDto {
        id: account.id,
        email: account.email.clone(),
        first_name: None,
        last_name: None,
        name: account.name.clone(),
        picture: None,
        info: None,
        preferences: None,
        last_conn_time: None,
        status: account.status,
        role: account.role,
        coach_check: false,
        exit_modal_do_not_show_again: false,
        created_at: None,
        updated_at: None,
    }
}
