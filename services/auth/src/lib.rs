//! Credentials, sessions and tokens.

mod caller;
pub mod config;
pub mod copy;
pub mod domain;
pub mod error;
pub mod events;
pub mod handlers;
pub mod healer;
pub mod keys;
pub mod password;
mod priority;
pub mod profile;
pub mod purge;
pub mod refresh_token;
pub mod repository;
mod routes;
pub mod seal;
pub mod session_cache;
pub mod state;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use chassis::upkeep::{IdempotencyKeys, Upkeep};
use chassis::{Platform, Service, db};
use sqlx::PgPool;
use tokio::sync::watch;
use tracing::{info, warn};

use keys::Keyring;
use password::Passwords;
use refresh_token::Successors;
use seal::SealKey;

pub use config::Config;
pub use state::AppState;

/// The migration of `auth_db` that this code needs.
const SCHEMA: i64 = 4;
/// Batch's calls leave their answers.
const UPKEEP: Upkeep<IdempotencyKeys> = Upkeep::new("auth", &[IdempotencyKeys]);
/// How often what sign-ups left behind is looked for.
const HEAL_EVERY: Duration = Duration::from_secs(10);

/// Wires the service: its database, its keys, its clients, its tasks.
///
/// # Errors
/// When the configuration names things that are not usable.
pub async fn build(config: Config, platform: Platform) -> anyhow::Result<Service> {
    let state = state(config, &platform).await?;
    events::start(&platform, &state.db);
    profile::follow_changes(&platform, &state.profiles);
    UPKEEP.start(&platform, state.db.clone());
    platform.tasks().spawn_until_drain("sign-up-healer", healer::keep_healing(state.clone(), HEAL_EVERY));
    Ok(app(&platform, state).into())
}

/// The handles that the router works with. The keys follow once the database is there.
///
/// # Errors
/// When the configuration names things that are not usable.
pub async fn state(config: Config, platform: &Platform) -> anyhow::Result<AppState> {
    let seal = SealKey::read(&config.seal_file)?;
    let db = db::attach(platform, &config.database, SCHEMA).context("DATABASE_URL is not usable")?;
    let hashing = config.hashing;
    let passwords =
        tokio::task::spawn_blocking(move || Passwords::new(hashing.cores, hashing.queue)).await??;
    let successors = Successors::new(seal.derive_hmac("refresh token successors")?);
    let (loaded, keys) = watch::channel(None);
    let state = AppState::new(platform, db.clone(), passwords, successors, config.lifetimes, keys);
    let condition = platform.readiness().condition("keys");
    let access = platform.identity().access.clone();
    platform.tasks().spawn_until_drain("keys", async move {
        let keyring = load_keys(&db, &seal, |problem| condition.unmet(problem)).await;
        access.set_keys(keyring.jwks());
        loaded.send_replace(Some(Arc::new(keyring)));
        condition.met();
        info!("the signing keys are loaded");
        // The channel stays open for as long as the service runs: a rotation will send the next keyring.
        loaded.closed().await;
    });
    Ok(state)
}

/// The router, without sockets or tasks.
pub fn app(platform: &Platform, state: AppState) -> Router {
    chassis::app_with_classes(platform, routes::routes().with_state(state), priority::classify)
}

/// Tries until the database is there and migrated; what is wrong meanwhile shows in the readiness.
async fn load_keys(db: &PgPool, seal: &SealKey, problem: impl Fn(String)) -> Keyring {
    let mut wait = Duration::from_millis(50);
    loop {
        match keys::load_or_create(db, seal).await {
            Ok(keyring) => return keyring,
            Err(error) => {
                let error = anyhow::Error::from(error);
                warn!("the signing keys are not loaded: {error:#}");
                problem(format!("{error:#}"));
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(2));
    }
}
