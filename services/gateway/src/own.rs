//! What the gateway serves itself: its front page, its operation, its documentation.

use axum::Json;
use axum::extract::Request;
use http::Response;
use hyper::body::Incoming;
use serde::Serialize;
use tower::ServiceExt as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::body::AnswerBody;
use crate::core::Core;
use crate::exchange::Exchange;
use crate::hygiene;

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct FrontPage {
    message: &'static str,
    status: &'static str,
    version: &'static str,
    endpoints: Endpoints,
}

/// Where the services are, seen from outside.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Endpoints {
    auth: &'static str,
    user: &'static str,
    chat: &'static str,
    store: &'static str,
    batch: &'static str,
    actuator: &'static str,
}

/// The pages that are the gateway's own; the chassis adds operation and documentation.
pub(crate) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(front_page))
}

/// What this is and where everything else is.
#[utoipa::path(get, path = "/", responses((status = 200, description = "Where everything is", body = FrontPage)))]
async fn front_page() -> Json<FrontPage> {
    Json(FrontPage {
        message: "DoranDoran API Gateway",
        status: "running",
        version: env!("CARGO_PKG_VERSION"),
        endpoints: Endpoints {
            auth: "/api/auth",
            user: "/api/users",
            chat: "/api/chat",
            store: "/api/store",
            batch: "/api/batch",
            actuator: "/actuator",
        },
    })
}

/// Hands a request to the ordinary router.
pub(crate) async fn serve(core: &Core, exchange: &Exchange, body: Incoming) -> Response<AnswerBody> {
    let mut request = Request::new(axum::body::Body::new(body));
    *request.method_mut() = exchange.head.method.clone();
    *request.uri_mut() = exchange.head.uri.clone();
    *request.headers_mut() = hygiene::to_upstream(&exchange.head.headers);
    // The router goes on with it as its own: one request is one span.
    request.extensions_mut().insert(exchange.trace);
    let Ok(response) = core.shared().own.clone().oneshot(request).await;
    let (mut head, body) = response.into_parts();
    hygiene::to_client(&mut head.headers);
    Response::from_parts(head, AnswerBody::local(body))
}
