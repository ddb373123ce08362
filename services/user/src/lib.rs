//! Profiles, roles and preferences; the front door of sign-up.

pub mod config;
pub mod connection;
pub mod domain;
pub mod error;
pub mod events;
pub mod handlers;
mod priority;
pub mod repository;
mod routes;
pub mod settlement;
pub mod sign_up;
pub mod state;

use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use chassis::upkeep::{IdempotencyKeys, Upkeep};
use chassis::{Platform, Service, db};

pub use config::Config;
pub use state::AppState;

/// The migration of `user_db` that this code needs.
const SCHEMA: i64 = 3;
/// Batch's calls leave their answers.
const UPKEEP: Upkeep<IdempotencyKeys> = Upkeep::new("user", &[IdempotencyKeys]);
/// How often sign-ups that were left behind are looked for.
const HEAL_EVERY: Duration = Duration::from_secs(3);

/// Wires the service: its database, its clients, its tasks.
///
/// # Errors
/// When the configuration names things that are not usable.
#[expect(clippy::unused_async, reason = "the chassis builds services asynchronously")]
pub async fn build(config: Config, platform: Platform) -> anyhow::Result<Service> {
    let state = state(&config, &platform)?;
    events::start(&platform, &state.db);
    UPKEEP.start(&platform, state.db.clone());
    platform.tasks().spawn_until_drain("sign-up-healer", sign_up::keep_healing(state.clone(), HEAL_EVERY));
    Ok(app(&platform, state).into())
}

/// The handles that the router works with.
///
/// # Errors
/// When the configuration names things that are not usable.
pub fn state(config: &Config, platform: &Platform) -> anyhow::Result<AppState> {
    let db = db::attach(platform, &config.database, SCHEMA).context("DATABASE_URL is not usable")?;
    Ok(AppState::new(platform, db))
}

/// The router, without sockets or tasks.
pub fn app(platform: &Platform, state: AppState) -> Router {
    chassis::app_with_classes(platform, routes::routes().with_state(state), priority::classify)
}
