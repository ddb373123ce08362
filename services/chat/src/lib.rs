//! Rooms, messages and the tutor bots.

mod cleartext;
pub mod config;
pub mod domain;
pub mod error;
pub mod handlers;
pub mod live;
pub mod model;
pub mod moderation;
pub mod month_sum;
pub mod posting;
mod priority;
pub mod repository;
pub mod responder;
mod routes;
pub mod socket;
pub mod state;
pub mod turn;
pub mod tutor;
pub mod upkeep;

use anyhow::Context as _;
use axum::Router;
use chassis::{Platform, Service, db};

pub use config::Config;
pub use state::AppState;

use crate::config::ModelConfig;
use crate::moderation::Moderation;
use crate::responder::Responder;

/// The migration of `chat_db` that this code needs.
const SCHEMA: i64 = 4;

/// Wires the service: its database, its streams, its tasks.
///
/// # Errors
/// When the configuration names things that are not usable.
#[expect(clippy::unused_async, reason = "the chassis builds services asynchronously")]
pub async fn build(config: Config, platform: Platform) -> anyhow::Result<Service> {
    let state = state(&config, &platform)?;
    chassis::event::serve(&platform, state.db.clone());
    upkeep::start(&platform, state.db.clone());
    Ok(app(&platform, state).into())
}

/// The handles that the router works with.
///
/// # Errors
/// When the configuration names things that are not usable.
pub fn state(config: &Config, platform: &Platform) -> anyhow::Result<AppState> {
    let db = db::attach(platform, &config.database, SCHEMA).context("DATABASE_URL is not usable")?;
    let moderation = Moderation::new(&config.moderation, platform.breakers());
    let moderation = moderation.context("moderation cannot be set up")?;
    let responder = Responder::start(platform, db.clone(), config.model.as_ref())?.moderated(moderation);
    let limits = config.model.as_ref().map(ModelConfig::limits).unwrap_or_default();
    Ok(AppState::new(platform, db, responder, limits))
}

/// The router, without sockets or tasks.
pub fn app(platform: &Platform, state: AppState) -> Router {
    chassis::app_with_classes(platform, routes::routes().with_state(state), priority::classify)
}
