//! Says that the process answers; `/actuator/health` says how its parts are.

#[utoipa::path(get, path = "/api/batch/health", tag = "health", responses((status = 200, body = String)))]
pub async fn health() -> &'static str {
    "batch is running"
}
