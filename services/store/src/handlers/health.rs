//! The health route that is reachable from outside.

/// Says that the process answers; `/actuator/health` says how its parts are.
#[utoipa::path(
    get,
    path = "/api/store/health",
    tag = "health",
    responses((status = 200, description = "The service runs", body = String, content_type = "text/plain"))
)]
pub async fn health() -> &'static str {
    "store is running"
}
