//! Health: the parts a service stands on. Redis is a convenience and never makes a service unhealthy.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::PgPool;
use tokio::time::timeout;

use super::is_internal;
use crate::event::Events;
use crate::platform::Platform;
use crate::redis::Redis;

/// A database that needs longer for `select 1` is as good as down.
const CHECK_LIMIT: Duration = Duration::from_secs(1);
/// Below this many free bytes the disk counts as full, as in Spring Boot.
const DISK_THRESHOLD: u64 = 10 * 1024 * 1024;

/// What health looks at. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    redis: Redis,
    events: Events,
    database: Arc<OnceLock<PgPool>>,
}

/// The status comes first: people read this too.
#[derive(Serialize)]
struct Report {
    status: &'static str,
    components: Map<String, Value>,
}

struct Component {
    name: &'static str,
    status: &'static str,
    /// Whether the service as a whole is down with it.
    essential: bool,
    details: Value,
}

impl Health {
    pub(crate) fn new(redis: Redis, events: Events) -> Self {
        Self { redis, events, database: Arc::default() }
    }

    /// Shows a database in health and metrics; a service has one.
    pub fn set_database(&self, pool: PgPool) {
        // A second one would be a defect of the service; the first stays.
        let _ = self.database.set(pool);
    }

    /// Says goodbye to the database, once nothing needs it any more.
    pub(crate) async fn close(&self) {
        if let Some(pool) = self.database.get() {
            // A connection that does not come back in time is cut by the end of the process.
            let _ = timeout(CHECK_LIMIT, pool.close()).await;
        }
    }

    pub(crate) fn database(&self) -> Option<&PgPool> {
        self.database.get()
    }

    async fn components(&self) -> Vec<Component> {
        let mut components = Vec::new();
        if let Some(pool) = self.database.get() {
            components.push(database(pool).await);
        }
        components.push(self.redis().await);
        if let Some((status, details)) = self.events.health() {
            components.push(Component { name: "events", status, essential: false, details });
        }
        components.push(disk());
        components
    }

    async fn redis(&self) -> Component {
        let (status, details) = match self.redis.ping().await {
            Some(Ok(())) => ("UP", json!({})),
            Some(Err(error)) => ("DOWN", json!({ "error": error.to_string() })),
            None => ("UNKNOWN", json!({ "reason": "not configured" })),
        };
        Component { name: "redis", status, essential: false, details }
    }
}

async fn database(pool: &PgPool) -> Component {
    let answered = timeout(CHECK_LIMIT, sqlx::query("select 1").execute(pool)).await;
    let (status, details) = match answered {
        Ok(Ok(_)) => ("UP", json!({ "database": "PostgreSQL", "connections": pool.size() })),
        Ok(Err(error)) => ("DOWN", json!({ "error": error.to_string() })),
        Err(_) => ("DOWN", json!({ "error": "no answer within a second" })),
    };
    Component { name: "db", status, essential: true, details }
}

fn disk() -> Component {
    let (status, details) = match rustix::fs::statvfs(".") {
        Ok(disk) => {
            let (total, free) = (disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize);
            let status = if free >= DISK_THRESHOLD { "UP" } else { "DOWN" };
            (status, json!({ "total": total, "free": free, "threshold": DISK_THRESHOLD }))
        }
        Err(error) => ("UNKNOWN", json!({ "error": error.to_string() })),
    };
    Component { name: "disk", status, essential: true, details }
}

/// `GET /actuator/health`
pub(super) async fn health(State(platform): State<Platform>, headers: HeaderMap) -> Response {
    let with_details = is_internal(&headers, &platform);
    let components = platform.health().components().await;
    let down = components.iter().any(|c| c.essential && c.status == "DOWN")
        || platform.readiness().check_live().is_err();
    let status = if down { "DOWN" } else { "UP" };
    let components: Map<String, Value> = components
        .into_iter()
        .map(|component| {
            let mut shown = json!({ "status": component.status });
            if with_details {
                shown["details"] = component.details;
            }
            (component.name.to_owned(), shown)
        })
        .collect();
    let code = if down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(Report { status, components })).into_response()
}

/// `GET /actuator/health/liveness`: fails when only a restart helps.
pub(super) async fn liveness(State(platform): State<Platform>) -> Response {
    match platform.readiness().check_live() {
        Ok(()) => Json(json!({ "status": "UP" })).into_response(),
        Err(task) => {
            let body = json!({ "status": "DOWN", "failedTask": task });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

/// `GET /actuator/health/readiness`: fails with the conditions that are missing; why, for internal callers.
pub(super) async fn readiness(State(platform): State<Platform>, headers: HeaderMap) -> Response {
    let Err(missing) = platform.readiness().check() else {
        return Json(json!({ "status": "UP" })).into_response();
    };
    let missing: Value = if is_internal(&headers, &platform) {
        json!(missing)
    } else {
        json!(missing.keys().collect::<Vec<_>>())
    };
    let body = json!({ "status": "OUT_OF_SERVICE", "missing": missing });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}
