//! `GET /actuator/info`: what runs here.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::platform::Platform;

pub(super) async fn info(State(platform): State<Platform>) -> Json<Value> {
    let base = platform.base();
    Json(json!({
        "app": { "name": base.service, "instance": base.instance },
        // All crates of the workspace share one version.
        "build": { "version": env!("CARGO_PKG_VERSION") },
        "process": { "pid": std::process::id(), "uptimeSeconds": platform.uptime().as_secs() },
    }))
}
