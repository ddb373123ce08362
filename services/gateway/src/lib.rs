//! The API gateway: the one public door of the platform.
//!
//! A request runs through plain functions in a fixed order, on the core that holds its connection:
//! `match_route → authenticate → admit → pick → forward → respond`. Routes, instances and keys are
//! immutable snapshots that other threads replace. A WebSocket takes the same way, then its connection becomes a
//! tunnel.

mod accept;
mod body;
mod config;
mod connect;
mod connection;
mod core;
mod cors;
mod endpoint;
mod exchange;
mod failure;
mod forwarded;
mod handshake;
mod hygiene;
mod latest;
mod limit;
mod metrics;
mod own;
mod patience;
mod phase;
mod proxy;
mod route;
mod routing;
mod tunnel;
mod wire;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chassis::config::Listen;
use chassis::watched::Watched;
use chassis::{Platform, Service};
use contract::gateway::GatewayConfig;

pub use config::{Config, Limits};

use crate::accept::Backlog;
use crate::core::Shared;
use crate::limit::Limiter;
use crate::routing::Routing;

/// Between two clearings of rate limits that are full again.
const FORGET: Duration = Duration::from_secs(1);

/// Wires the gateway. Nothing is served before the returned service runs.
///
/// # Errors
/// When the configuration file is not valid or cannot be watched.
#[expect(clippy::unused_async, reason = "the chassis builds every service asynchronously")]
pub async fn build(config: Config, platform: Platform) -> anyhow::Result<Service> {
    let limiter = Arc::new(Limiter::new());
    let shared = Arc::new(Shared {
        routing: follow_routes(config.routes.as_deref())?,
        discovery: platform.discovery().clone(),
        verifier: platform.identity().access.clone(),
        limiter: Arc::clone(&limiter),
        redis: platform.redis().link().cloned(),
        own: chassis::app(&platform, own::router()),
        limits: config.limits,
        drain: platform.drain().clone(),
    });
    platform.tasks().spawn_until_drain("forget full rate limits", async move {
        let mut ticks = tokio::time::interval(FORGET);
        loop {
            ticks.tick().await;
            limiter.sweep();
        }
    });
    let backlog = match config.base.listener {
        Listen::Bind(_) => Backlog::Ours,
        Listen::Stdin => Backlog::Successors,
    };
    Ok(Service::Custom(Box::new(move |listener, _| {
        Box::pin(accept::serve(listener, backlog, config.cores, shared))
    })))
}

fn follow_routes(file: Option<&Path>) -> anyhow::Result<Watched<Routing>> {
    match file {
        Some(path) => Watched::open(path, |text| Routing::parse(text).map_err(|fault| fault.to_string()))
            .context("failed to load the routes"),
        None => Ok(Watched::fixed(Routing::compile(&GatewayConfig::standard())?)),
    }
}
