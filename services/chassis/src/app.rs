//! Puts a service's routes together with what every service serves.

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use crate::actuator;
use crate::description;
use crate::event;
use crate::layer::{self, Classify};
use crate::platform::Platform;

/// The whole router of a service: its routes with their description, `/actuator/**`, `/api-docs`,
/// `/swagger-ui.html`, and the layers around all of it.
pub fn app(platform: &Platform, routes: OpenApiRouter) -> Router {
    app_with_classes(platform, routes, layer::classify)
}

/// The same for a service that says which of its requests are refused last, and which first.
pub fn app_with_classes(platform: &Platform, routes: OpenApiRouter, classify: Classify) -> Router {
    let (paths, mut api) = routes.split_for_parts();
    // Feeds wait on purpose, which is no sign of overload: they stay outside of the shedding.
    let (events, described) = event::routes(platform.clone()).split_for_parts();
    api.merge(described);
    let api = description::complete(api, platform.base().service);
    // Swagger UI's files are part of the binary: no page loads anything from elsewhere.
    let documentation = SwaggerUi::new("/swagger-ui").url("/api-docs", api);
    let all = layer::shed(paths, platform.shedder().clone(), classify)
        .merge(events)
        .merge(actuator::router(platform.clone()))
        .merge(documentation)
        .route("/swagger-ui.html", get(|| async { Redirect::temporary("/swagger-ui/") }));
    layer::apply(all)
}
