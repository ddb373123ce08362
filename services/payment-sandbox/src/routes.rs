//! The whole URL table.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::handlers::{health, ledger, payment};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        // Open to anybody
        .routes(routes!(health::health))
        // With store's token
        .routes(routes!(payment::authorise, payment::get))
        .routes(routes!(payment::capture))
        .routes(routes!(payment::cancel))
        // With store's or batch's token
        .routes(routes!(ledger::page))
}
