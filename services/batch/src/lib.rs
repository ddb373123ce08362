//! Scheduled and triggered jobs.

pub mod config;
pub mod domain;
pub mod engine;
pub mod error;
pub mod handlers;
pub mod jobs;
pub mod live;
pub mod objects;
mod priority;
pub mod redrive;
pub mod repository;
mod routes;
pub mod scheduler;
pub mod state;
pub mod upkeep;

use anyhow::Context as _;
use axum::Router;
use chassis::{Platform, Service, db};

pub use config::Config;
pub use state::AppState;

use crate::engine::{Runner, runner};
use crate::jobs::Means;
use crate::live::Streams;
use crate::objects::Objects;

/// The migration of `batch_db` that this code needs.
pub const SCHEMA: i64 = 4;

/// Wires the service: its database, its jobs, its tasks.
///
/// # Errors
/// When the configuration names things that are not usable.
#[expect(clippy::unused_async, reason = "the chassis builds services asynchronously")]
pub async fn build(config: Config, platform: Platform) -> anyhow::Result<Service> {
    let state = state(&config, &platform)?;
    chassis::event::serve(&platform, state.db.clone());
    upkeep::UPKEEP.start(&platform, state.db.clone());
    scheduler::start(&platform, &state.db, state.jobs.clone(), state.runner.clone());
    Ok(app(&platform, state).into())
}

/// The handles that the router works with. Its runner works.
///
/// # Errors
/// When the configuration names things that are not usable.
pub fn state(config: &Config, platform: &Platform) -> anyhow::Result<AppState> {
    let db = db::attach(platform, &config.database, SCHEMA).context("DATABASE_URL is not usable")?;
    let objects =
        Objects::open(&config.objects, &config.aws).context("DORAN_OBJECT_STORE_URL is not usable")?;
    let jobs = jobs::all(&Means::new(platform, db.clone(), objects.clone()));
    let runner = Runner::start(platform, &db, jobs.clone(), runner::Settings::default());
    let (identity, streams) = (platform.identity().clone(), Streams::new(platform, db.clone()));
    Ok(AppState { db, identity, jobs, runner, objects, streams })
}

/// The router, without sockets or tasks.
pub fn app(platform: &Platform, state: AppState) -> Router {
    chassis::app_with_classes(platform, routes::routes().with_state(state), priority::classify)
}
