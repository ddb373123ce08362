//! What every service needs to run: configuration, logs, readiness, drain, actuator, errors, identity, calls.
//!
//! Knows no word of the services' domains and depends on none of them.

pub mod actuator;
mod app;
pub mod cache;
pub mod client;
pub mod config;
pub mod context;
pub mod crypto;
pub mod db;
pub mod deadline;
mod description;
pub mod discovery;
pub mod entity_tag;
pub mod env;
pub mod error;
pub mod event;
pub mod extract;
pub mod idempotency;
pub mod identity;
pub mod language;
pub mod latency;
pub mod layer;
pub mod log_level;
pub mod metrics;
pub mod outside;
mod platform;
pub mod readiness;
pub mod redis;
mod reply;
mod run;
pub mod secret;
pub mod server;
pub mod shutdown;
pub mod spawn;
pub mod telemetry;
pub mod trace;
pub mod traffic;
pub mod upkeep;
pub mod watched;

pub use app::{app, app_with_classes};
pub use config::{Base, Database, HasBase};
pub use env::{ConfigError, Env, Reader};
pub use error::ApiError;
pub use platform::{CustomServer, Platform, PlatformError, Service};
pub use reply::reply;
pub use run::run;
pub use secret::Secret;

/// A new id, in order of time (UUID version 7).
pub fn fresh_id<T: From<uuid::Uuid>>() -> T {
    T::from(uuid::Uuid::now_v7())
}
