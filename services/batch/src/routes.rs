//! The whole URL table of `batch`.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(health))
}

/// Says that the process answers; `/actuator/health` says how its parts are.
#[utoipa::path(get, path = "/api/batch/health", tag = "health", responses((status = 200, body = String)))]
async fn health() -> &'static str {
    "batch is running"
}
