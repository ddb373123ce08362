//! The health route that is reachable from outside.

/// Says that the service runs.
#[utoipa::path(
    get,
    path = "/api/users/health",
    tag = "users",
    responses((status = 200, description = "The service runs", body = String, content_type = "text/plain"))
)]
pub async fn health() -> &'static str {
    "User service is running"
}
