//! Finishes sign-ups that the user service left behind here, and sweeps empty login buckets.

use std::time::Duration;

use contract::id::UserId;
use contract::internal::SignUpState;
use tracing::{info, warn};

use crate::error::Error;
use crate::profile;
use crate::repository::audit::{self, Entry, Kind};
use crate::repository::{account, throttle};
use crate::state::AppState;

/// User heals its sign-ups after 15 s; what is still pending here then has to be asked about.
pub const LEFT_BEHIND: Duration = Duration::from_mins(1);
const HEAL_AT_ONCE: i64 = 100;
const SWEEP_AT_ONCE: i64 = 10_000;

/// What one round did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Healed {
    pub confirmed: usize,
    pub removed: usize,
}

/// What became of pending credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Confirmed,
    /// The sign-up came to nothing, and so did the credentials.
    Removed,
    /// Still under way, or user does not answer.
    Open,
}

/// Makes credentials usable: the account exists. Harmless when they already are.
pub async fn confirm(state: &AppState, id: UserId) -> Result<(), Error> {
    let mut tx = chassis::db::transaction(&state.db).await?;
    if account::confirm(&mut tx, id).await? {
        let entry = Entry { kind: Kind::AccountCreated, user: Some(id), session: None, address: None };
        audit::insert(&mut tx, entry).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Asks user what became of a sign-up, and acts on it. The profile exists before credentials are handed over,
/// so a profile that is missing is gone for good.
pub async fn settle(state: &AppState, id: UserId) -> Result<Settled, Error> {
    let record = match profile::ask(state, id).await {
        Ok(record) => record,
        Err(error) => {
            warn!(user.id = %id, "cannot ask what became of sign-up {id}: {error}");
            return Ok(Settled::Open);
        }
    };
    match record.map(|record| record.sign_up) {
        Some(SignUpState::Pending) => Ok(Settled::Open),
        Some(SignUpState::Active) => {
            confirm(state, id).await?;
            Ok(Settled::Confirmed)
        }
        None => {
            account::discard(&mut *state.db.acquire().await?, id).await?;
            Ok(Settled::Removed)
        }
    }
}

/// Settles what has been pending for at least `age`.
pub async fn heal(state: &AppState, age: Duration) -> Result<Healed, Error> {
    let mut healed = Healed::default();
    let left =
        account::left_pending(&mut *state.db.acquire().await?, age.as_secs_f64(), HEAL_AT_ONCE).await?;
    for id in left {
        match settle(state, id).await? {
            Settled::Confirmed => healed.confirmed += 1,
            Settled::Removed => healed.removed += 1,
            Settled::Open => {}
        }
    }
    Ok(healed)
}

/// Heals and sweeps every few seconds until the service stops.
pub async fn keep_healing(state: AppState, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match heal(&state, LEFT_BEHIND).await {
            Ok(healed) if healed != Healed::default() => {
                info!(confirmed = healed.confirmed, removed = healed.removed, "settled sign-ups");
            }
            Ok(_) => {}
            Err(error) => warn!("sign-ups could not be settled: {error}"),
        }
        if let Err(error) = sweep(&state).await {
            warn!("login buckets could not be swept: {error}");
        }
    }
}

async fn sweep(state: &AppState) -> Result<(), sqlx::Error> {
    throttle::sweep(&mut *state.db.acquire().await?, SWEEP_AT_ONCE).await?;
    Ok(())
}
