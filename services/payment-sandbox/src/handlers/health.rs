//! Says that the process answers; `/actuator/health` says how its parts are.

/// Whether the sandbox runs.
#[utoipa::path(
    get,
    path = "/health",
    tag = "health",
    responses((status = 200, description = "The service runs", body = String, content_type = "text/plain"))
)]
pub async fn health() -> &'static str {
    "payment-sandbox is running"
}
