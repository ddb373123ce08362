//! Sign-up across two services: user keeps the profile, auth the password, and either both keep the account or
//! neither.
//!
//! Each step is one local transaction or one idempotent call. [`run`] drives them; whatever it leaves undone,
//! because a process died or a service was away, [`heal`] finishes:
//!
//! 1. `reserve`: the profile as PENDING. Its unique address decides who wins a race.
//! 2. `hand_over`: auth stores the password's hash, PENDING too.
//! 3. `activate`: the profile becomes ACTIVE, with its event. From here the account exists and only goes on.
//! 4. `confirm`: auth makes the credentials usable, then the profile is CONFIRMED.
//!
//! Rolling back deletes the profile first, only while it is PENDING, so that it cannot cross step 3. Credentials
//! whose profile is gone open nothing, make room for the next sign-up, and are removed by auth's own healer if
//! the call that removes them here does not get through.

use std::time::Duration;

use chassis::client::CallError;
use chassis::db;
use contract::auth::{CredentialsView, PutCredentials, path};
use contract::code::ErrorCode;
use contract::id::UserId;
use contract::user::event;
use http::Method;
use tracing::{info, warn};

use crate::domain::sign_up::NewAccount;
use crate::error::Error;
use crate::events;
use crate::repository::profile::{self, Row};
use crate::state::AppState;

/// A sign-up takes at most 10 s; what is older was left behind.
pub const LEFT_BEHIND: Duration = Duration::from_secs(15);
/// How many sign-ups one round of healing takes on.
const HEAL_AT_ONCE: i64 = 100;

/// Creates an account. The answer says that it exists; that auth was told so may follow.
pub async fn run(state: &AppState, new: &NewAccount) -> Result<Row, Error> {
    let id = reserve(state, new).await?;
    if let Err(error) = hand_over(state, id, new).await {
        abandon(state, id).await?;
        return Err(error);
    }
    let row = activate(state, id).await?;
    if let Err(error) = confirm(state, id).await {
        warn!(user.id = %id, "sign-up of {id} waits for its confirmation: {error}");
    }
    Ok(row)
}

/// Step 1.
pub async fn reserve(state: &AppState, new: &NewAccount) -> Result<UserId, Error> {
    let id: UserId = chassis::fresh_id();
    let mut tx = db::begin(&state.db).await?;
    if !profile::insert_pending(&mut tx, id, new).await? {
        return Err(Error::EmailTaken);
    }
    tx.commit().await?;
    Ok(id)
}

/// Step 2.
pub async fn hand_over(state: &AppState, id: UserId, new: &NewAccount) -> Result<(), Error> {
    let credentials = PutCredentials {
        email: new.email.as_str().to_owned(),
        password: new.password.clone(),
        name: new.name.clone(),
        role: new.role,
    };
    match state.auth.put::<CredentialsView>(&path::credentials(id), &credentials).await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some(ErrorCode::EmailTaken) => Err(Error::EmailTaken),
        // No fallback: without auth there is no account (api.md, edges).
        Err(error) => Err(error.into_unavailable().into()),
    }
}

/// Step 3.
pub async fn activate(state: &AppState, id: UserId) -> Result<Row, Error> {
    let mut tx = db::begin(&state.db).await?;
    if !profile::activate(&mut tx, id).await? {
        return Err(Error::SignUpTookTooLong);
    }
    let row = profile::find(&mut tx, id).await?.ok_or(Error::SignUpTookTooLong)?;
    events::publish(&mut tx, event::CREATED, &row.snapshot()).await?;
    tx.commit().await?;
    Ok(row)
}

/// Step 4.
pub async fn confirm(state: &AppState, id: UserId) -> Result<(), ConfirmError> {
    // Confirming twice is confirming once, so the sign-up itself is the key.
    let call = state.auth.request(Method::POST, &path::confirm_credentials(id)).key(&id.to_string());
    call.send::<CredentialsView>().await?;
    profile::confirm(&mut *state.db.acquire().await?, id).await?;
    Ok(())
}

/// Why a sign-up is not confirmed yet.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    #[error("auth could not be told")]
    Call(#[from] CallError),
    #[error("the confirmation could not be stored")]
    Database(#[from] sqlx::Error),
}

/// Takes a sign-up back. The request's deadline does not count here: what it reserved must be given back even
/// if the caller has stopped waiting.
async fn abandon(state: &AppState, id: UserId) -> Result<(), Error> {
    let discarded = profile::discard(&mut *state.db.acquire().await?, id).await?;
    if discarded && let Err(error) = state.auth.delete(&path::credentials(id)).await {
        info!(user.id = %id, "auth will find out itself that sign-up {id} came to nothing: {error}");
    }
    Ok(())
}

/// What one round of healing did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Healed {
    pub finished: usize,
    pub rolled_back: usize,
}

/// Finishes or takes back what is older than `age`.
pub async fn heal(state: &AppState, age: Duration) -> Result<Healed, Error> {
    let mut healed = Healed::default();
    let left = profile::unfinished(&mut *state.db.acquire().await?, age.as_secs_f64(), HEAL_AT_ONCE).await?;
    for sign_up in left {
        if sign_up.pending {
            abandon(state, sign_up.id).await?;
            healed.rolled_back += 1;
        } else {
            match confirm(state, sign_up.id).await {
                Ok(()) => healed.finished += 1,
                Err(error) => warn!(user.id = %sign_up.id, "sign-up is still not confirmed: {error}"),
            }
        }
    }
    Ok(healed)
}

/// Heals every few seconds until the service stops.
pub async fn keep_healing(state: AppState, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match heal(&state, LEFT_BEHIND).await {
            Ok(healed) if healed != Healed::default() => {
                info!(finished = healed.finished, rolled_back = healed.rolled_back, "healed sign-ups");
            }
            Ok(_) => {}
            Err(error) => warn!("sign-ups could not be healed: {error}"),
        }
    }
}
