//! A payment provider to test against: its own process, its own ledger, and the faults of real ones on demand.

pub mod config;
pub mod domain;
pub mod error;
pub mod handlers;
pub mod late;
pub mod ledger;
mod routes;
pub mod state;
pub mod webhook;

use anyhow::Context as _;
use axum::Router;
use chassis::{Platform, Service};
use tokio::task::spawn_blocking;

pub use config::Config;
pub use state::AppState;

use crate::late::Late;
use crate::ledger::{Ledger, Teller};
use crate::webhook::Announcer;

/// Wires the service: its ledger, its webhooks.
///
/// # Errors
/// When the ledger is not usable.
pub async fn build(config: Config, platform: Platform) -> anyhow::Result<Service> {
    let state = state(&config, &platform).await?;
    Ok(app(&platform, state).into())
}

/// The handles that the router works with. What was booked is known when this returns.
///
/// # Errors
/// When the ledger is not usable.
pub async fn state(config: &Config, platform: &Platform) -> anyhow::Result<AppState> {
    let path = config.ledger.clone();
    let opened = spawn_blocking(move || Ledger::open(&path)).await.context("the ledger was not opened")?;
    let (ledger, books) = opened?;
    let announcer = Announcer::start(platform, config.webhook_secret.as_ref());
    let teller = Teller::start(platform.tasks(), ledger, books, announcer);
    Ok(AppState { teller, late: Late::new(platform.tasks()), identity: platform.identity().clone() })
}

/// The router, without sockets or tasks.
pub fn app(platform: &Platform, state: AppState) -> Router {
    chassis::app(platform, routes::routes().with_state(state))
}
