//! The handles that every handler shares.

use std::time::Duration;

use axum::extract::FromRef;
use chassis::Platform;
use chassis::client::ServiceClient;
use chassis::identity::Identity;
use sqlx::PgPool;

/// Handing a password over includes hashing it, perhaps behind others in auth's queue.
const AUTH_LIMIT: Duration = Duration::from_secs(6);

#[derive(Clone, FromRef)]
pub struct AppState {
    pub db: PgPool,
    pub auth: ServiceClient,
    pub identity: Identity,
}

impl AppState {
    pub fn new(platform: &Platform, db: PgPool) -> Self {
        Self { db, auth: platform.client("auth", AUTH_LIMIT), identity: platform.identity().clone() }
    }
}
