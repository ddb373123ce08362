//! The URL table of events, part of every service that is made with [`crate::app()`].

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{admin, feed};
use crate::platform::Platform;

pub(crate) fn routes(platform: Platform) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(feed::feed))
        .routes(routes!(feed::head))
        .routes(routes!(admin::consumers))
        .routes(routes!(admin::set_position))
        .routes(routes!(admin::dead))
        .routes(routes!(admin::dead_letter))
        .routes(routes!(admin::replay_all))
        .routes(routes!(admin::replay))
        .routes(routes!(admin::drop_letter))
        .with_state(platform)
}
