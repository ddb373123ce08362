//! `/actuator/**`: health, readiness, metrics, durations, log levels and breakers, under Spring Boot Actuator's names.
//!
//! Never routed by the gateway. Details and changes need a token of a service or of the operator.

mod breaker_events;
mod calls;
mod circuitbreakers;
pub(crate) mod health;
mod info;
mod latency;
mod loggers;
mod measures;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use contract::code::ErrorCode;
use http::HeaderMap;

pub use health::Health;

use crate::error::ApiError;
use crate::extract::bearer;
use crate::identity::Identity;
use crate::platform::Platform;

impl FromRef<Platform> for Identity {
    fn from_ref(platform: &Platform) -> Self {
        platform.identity().clone()
    }
}

pub(crate) fn router(platform: Platform) -> Router {
    Router::new()
        .route("/actuator/health", get(health::health))
        .route("/actuator/health/liveness", get(health::liveness))
        .route("/actuator/health/readiness", get(health::readiness))
        .route("/actuator/info", get(info::info))
        .route("/actuator/prometheus", get(measures::prometheus))
        .route("/actuator/latency", get(latency::latency))
        .route("/actuator/metrics", get(measures::names))
        .route("/actuator/metrics/{name}", get(measures::one))
        .route("/actuator/loggers", get(loggers::list))
        .route("/actuator/loggers/{name}", post(loggers::change).get(loggers::one))
        .route("/actuator/circuitbreakers", get(circuitbreakers::list))
        .route("/actuator/circuitbreakers/{name}", post(circuitbreakers::change).get(circuitbreakers::one))
        .route("/actuator/circuitbreakerevents", get(breaker_events::all))
        .route("/actuator/circuitbreakerevents/stream", get(breaker_events::stream))
        .route("/actuator/circuitbreakerevents/{name}", get(breaker_events::of_one))
        .route("/actuator/circuitbreakerevents/{name}/{type}", get(breaker_events::of_one_kind))
        .route("/actuator/retries", get(calls::retries))
        .route("/actuator/bulkheads", get(calls::bulkheads))
        .with_state(platform)
}

/// Whether the caller holds a token that some service or the operator signed for us.
fn is_internal(headers: &HeaderMap, platform: &Platform) -> bool {
    bearer(headers).is_some_and(|token| platform.identity().service.verify(token).is_ok())
}

/// # Errors
/// 401 unless the caller is internal.
fn require_internal(headers: &HeaderMap, platform: &Platform) -> Result<(), ApiError> {
    if is_internal(headers, platform) { Ok(()) } else { Err(ErrorCode::TokenInvalid.into()) }
}
