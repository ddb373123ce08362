//! A small service for the tests of starting and stopping: `/hold` answers once the registry changes.

use std::process::ExitCode;

use axum::extract::State;
use chassis::{ApiError, Base, ConfigError, Env, Platform, Reader, Service};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

fn main() -> ExitCode {
    chassis::run("holding", config, build)
}

fn config(env: &dyn Env) -> Result<Base, ConfigError> {
    let mut read = Reader::new(env);
    let base = read.base("holding", 0);
    read.finish(|| Some(base))
}

async fn build(_: Base, platform: Platform) -> anyhow::Result<Service> {
    let routes =
        OpenApiRouter::new().routes(routes!(hold)).routes(routes!(fail)).with_state(platform.clone());
    Ok(chassis::app(&platform, routes).into())
}

#[utoipa::path(get, path = "/hold", responses((status = 200, body = String)))]
async fn hold(State(platform): State<Platform>) -> &'static str {
    tracing::info!("holding");
    let changed = platform.discovery().changes().changed().await;
    if changed.is_ok() { "held" } else { "the registry is not followed" }
}

#[utoipa::path(get, path = "/fail/{id}", responses((status = 500)))]
async fn fail() -> ApiError {
    ApiError::internal(std::io::Error::other("the cause"))
}
