//! The whole URL table.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::handlers::{health, internal, jwks, login, logout, maintenance, me, refresh};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        // Open to anybody
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(jwks::jwks))
        .routes(routes!(health::health))
        // With an access token
        .routes(routes!(me::me))
        .routes(routes!(me::validate))
        // With user's token
        .routes(routes!(internal::put_credentials, internal::delete_credentials))
        .routes(routes!(internal::confirm_credentials))
        // With batch's token
        .routes(routes!(maintenance::purge_tokens))
        .routes(routes!(maintenance::day_statistics))
}
