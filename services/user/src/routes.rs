//! The whole URL table.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::handlers::{email, health, internal, maintenance, profile, sign_up};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        // Open to anybody
        .routes(routes!(sign_up::sign_up))
        .routes(routes!(email::check_email))
        .routes(routes!(health::health))
        // With an access token
        .routes(routes!(profile::get_user, profile::put_user))
        // With a service's token
        .routes(routes!(internal::get_record))
        .routes(routes!(internal::create_user))
        // With batch's token
        .routes(routes!(maintenance::list_inactive_users, maintenance::settle_inactive_users))
        .routes(routes!(maintenance::day_statistics))
}
