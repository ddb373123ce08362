//! Rooms, messages and the tutor bots.
//!
//! So far the service holds its database and says how it is; its routes come with their own issues.

mod config;
mod routes;

use axum::Router;
use chassis::{Platform, Service};

pub use config::Config;

/// The newest migration of `chat_db` that this code needs.
const REQUIRED_MIGRATION: i64 = 3;

/// Connects and wires the service.
///
/// # Errors
/// When the database's URL is not usable.
#[expect(
    clippy::unused_async,
    reason = "services are built asynchronously; this one has nothing to wait for"
)]
pub async fn build(config: Config, platform: Platform) -> anyhow::Result<Service> {
    let db = chassis::db::attach(&platform, &config.database, REQUIRED_MIGRATION)?;
    chassis::event::serve(&platform, db);
    Ok(app(&platform).into())
}

/// The service's router; opens no socket.
pub fn app(platform: &Platform) -> Router {
    chassis::app(platform, routes::routes())
}
