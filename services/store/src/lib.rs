//! Catalogue, orders, payments and bookmarks.

pub mod catalogue;
pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod handlers;
pub mod payment;
mod priority;
pub mod reconciliation;
pub mod repository;
pub mod rooms;
mod routes;
pub mod saga;
pub mod state;
pub mod stock_low;
pub mod upkeep;

use anyhow::Context as _;
use axum::Router;
use chassis::{Platform, Service, db};

pub use config::Config;
pub use state::AppState;

use crate::catalogue::Catalogue;
use crate::rooms::Rooms;
use crate::saga::Sagas;

/// The migration of `store_db` that this code needs.
const SCHEMA: i64 = 8;

/// Wires the service: its database, its tasks.
///
/// # Errors
/// When the configuration names things that are not usable.
#[expect(clippy::unused_async, reason = "the chassis builds services asynchronously")]
pub async fn build(config: Config, platform: Platform) -> anyhow::Result<Service> {
    let state = state(&config, &platform)?;
    chassis::event::serve(&platform, state.db.clone());
    upkeep::UPKEEP.start(&platform, state.db.clone());
    Ok(app(&platform, state).into())
}

/// The handles that the router works with.
///
/// # Errors
/// When the configuration names things that are not usable.
pub fn state(config: &Config, platform: &Platform) -> anyhow::Result<AppState> {
    let db = db::attach(platform, &config.database, SCHEMA).context("DATABASE_URL is not usable")?;
    let payment = payment::Provider::new(&config.payment, platform)
        .context("the payment provider's client cannot be set up")?;
    let patience = saga::Settings { low_stock: config.low_stock, ..config.saga };
    let sagas = Sagas::start(platform, &db, payment.clone(), patience);
    let catalogue = Catalogue::start(platform, db.clone());
    let (identity, low_stock) = (platform.identity().clone(), config.low_stock);
    let rooms = Rooms::new(platform);
    Ok(AppState { db, identity, catalogue, low_stock, payment, rooms, sagas })
}

/// The router, without sockets or tasks.
pub fn app(platform: &Platform, state: AppState) -> Router {
    chassis::app_with_classes(platform, routes::routes().with_state(state), priority::classify)
}
