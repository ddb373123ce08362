//! What every request passes, outermost first: context and record, deadline, rescue, body limit; and what the
//! service's own routes pass then: shedding.

mod deadline;
mod request;
mod rescue;
mod shed;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::ApiError;
use contract::code::ErrorCode;
use http::StatusCode;
use resilience::shed::Shedder;

pub use resilience::shed::Priority;
pub use shed::{Class, Classify, classify};

pub(crate) use shed::shedder;

/// Largest request body unless a route sets another `DefaultBodyLimit`.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Wraps a service's routes. Routes must be complete: later ones would not be wrapped.
pub(crate) fn apply(router: Router) -> Router {
    router
        .method_not_allowed_fallback(|| async {
            ApiError::new(ErrorCode::BadRequest).status(StatusCode::METHOD_NOT_ALLOWED).text(rescue::METHOD)
        })
        .fallback(|| async {
            ApiError::new(ErrorCode::BadRequest).status(StatusCode::NOT_FOUND).text(rescue::NO_ROUTE)
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(rescue::panicked))
        .layer(from_fn(rescue::plain_errors))
        .layer(from_fn(deadline::enforce))
        .layer(from_fn_with_state(crate::deadline::DEFAULT, request::attend))
}

/// Refuses early what cannot be served in time. For a service's own routes: probes and operators always get in.
pub(crate) fn shed(router: Router, shedder: Shedder, classify: Classify) -> Router {
    router.layer(from_fn_with_state(shed::Door::new(shedder, classify), shed::shed))
}
