//! `/actuator/circuitbreakers`: the breakers of the instances that this process calls, in Resilience4j's form.
//!
//! Ours beside it: whom it guards, when the next call may go, how often it opened, and why it last changed.

use axum::Json;
use axum::extract::State as Shared;
use chrono::{TimeDelta, Utc};
use contract::code::ErrorCode;
use contract::text::Text;
use garde::Validate;
use http::{HeaderMap, StatusCode};
use resilience::breaker::Transition;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tracing::info;

use super::require_internal;
use crate::client::Listed;
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath};
use crate::platform::Platform;

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Change {
    #[garde(skip)]
    update_state: Update,
}

/// The first three are Resilience4j's.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Update {
    Close,
    ForceOpen,
    Disable,
    MetricsOnly,
    Reset,
}

/// `GET /actuator/circuitbreakers`
pub(super) async fn list(Shared(platform): Shared<Platform>) -> Json<Value> {
    let breakers = platform.breakers().list();
    let breakers: Map<_, _> =
        breakers.iter().map(|listed| (listed.breaker.name().to_owned(), shown(listed))).collect();
    Json(json!({ "circuitBreakers": breakers }))
}

/// `GET /actuator/circuitbreakers/{name}`
pub(super) async fn one(
    Shared(platform): Shared<Platform>,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(shown(&find(&platform, &name)?)))
}

/// `POST /actuator/circuitbreakers/{name}`
pub(super) async fn change(
    Shared(platform): Shared<Platform>,
    headers: HeaderMap,
    ApiPath(name): ApiPath<String>,
    change: Result<ApiJson<Change>, ApiError>,
) -> Result<Json<Value>, ApiError> {
    // Before anything is said about the body.
    require_internal(&headers, &platform)?;
    let ApiJson(change) = change?;
    let Listed { breaker, .. } = find(&platform, &name)?;
    match change.update_state {
        Update::Close => breaker.close(),
        Update::ForceOpen => breaker.force_open(),
        Update::Disable => breaker.disable(),
        Update::MetricsOnly => breaker.metrics_only(),
        Update::Reset => breaker.reset(),
    }
    let state = breaker.snapshot().state.as_str();
    info!(breaker = name, state, "an operator asked for {:?} of breaker {name}", change.update_state);
    Ok(Json(json!({
        "circuitBreakerName": name,
        "currentState": state,
        "message": format!("breaker {name} is {state}"),
    })))
}

pub(super) fn find(platform: &Platform, name: &str) -> Result<Listed, ApiError> {
    platform.breakers().find(name).ok_or_else(|| {
        let text =
            Text::new("그런 이름의 서킷 브레이커가 없습니다.", "There is no circuit breaker of this name.");
        ApiError::new(ErrorCode::BadRequest).status(StatusCode::NOT_FOUND).text(text)
    })
}

fn shown(listed: &Listed) -> Value {
    let (shot, config) = (listed.breaker.snapshot(), listed.breaker.config());
    let retry_after = shot.retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    json!({
        "failureRate": percent(shot.failure_rate),
        "slowCallRate": percent(shot.slow_rate),
        "failureRateThreshold": percent(config.failure_rate),
        "slowCallRateThreshold": percent(config.slow_rate),
        "bufferedCalls": shot.buffered,
        "failedCalls": shot.failed,
        "slowCalls": shot.slow,
        "slowFailedCalls": shot.slow_failed,
        "notPermittedCalls": shot.not_permitted,
        "state": shot.state.as_str(),
        "callee": listed.callee,
        "registered": listed.registered,
        "inFlightCalls": shot.in_flight,
        "consecutiveFailures": shot.consecutive_failures,
        "retryAfterMs": retry_after,
        "openedCount": shot.totals.opened,
        "transitionCount": shot.totals.transitions,
        "lastTransition": shot.last_transition.as_ref().map(transition),
    })
}

fn transition(last: &Transition) -> Value {
    let ago = TimeDelta::from_std(last.ago).unwrap_or(TimeDelta::MAX);
    json!({
        "at": Utc::now().checked_sub_signed(ago).map(contract::time::format),
        "stateTransition": format!("{}_TO_{}", last.from.as_str(), last.to.as_str()),
        "cause": last.cause.to_string(),
    })
}

/// As Java prints a float: `-1.0%`, `33.333332%`.
fn percent(rate: f32) -> String {
    format!("{rate:?}%")
}
