//! Puts a service's routes together with what every service serves.

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use crate::actuator;
use crate::description;
use crate::layer;
use crate::platform::Platform;

/// The whole router of a service: its routes with their description, `/actuator/**`, `/api-docs`,
/// `/swagger-ui.html`, and the layers around all of it.
pub fn app(platform: &Platform, routes: OpenApiRouter) -> Router {
    let (paths, api) = routes.split_for_parts();
    let api = description::complete(api, platform.base().service);
    // Swagger UI's files are part of the binary: no page loads anything from elsewhere.
    let documentation = SwaggerUi::new("/swagger-ui").url("/api-docs", api);
    let all = paths
        .merge(actuator::router(platform.clone()))
        .merge(documentation)
        .route("/swagger-ui.html", get(|| async { Redirect::temporary("/swagger-ui/") }));
    layer::apply(all)
}
