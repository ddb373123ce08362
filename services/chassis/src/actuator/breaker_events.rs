//! `/actuator/circuitbreakerevents`: what happened to the breakers, in Resilience4j's form, and a stream of what
//! happens to them, which the reference has not.

use std::convert::Infallible;

use axum::Json;
use axum::extract::State as Shared;
use axum::response::Sse;
use axum::response::sse::{Event as SseEvent, KeepAlive};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt as _, stream};
use resilience::breaker::{Event, EventKind};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::circuitbreakers::find;
use crate::client::Told;
use crate::error::ApiError;
use crate::extract::ApiPath;
use crate::platform::Platform;

/// `GET /actuator/circuitbreakerevents`: of all breakers, oldest first.
pub(super) async fn all(Shared(platform): Shared<Platform>) -> Json<Value> {
    let mut events: Vec<_> = platform
        .breakers()
        .list()
        .into_iter()
        .flat_map(|listed| {
            let name = listed.breaker.name().to_owned();
            platform.breakers().events(&listed.breaker).into_iter().map(move |event| (name.clone(), event))
        })
        .collect();
    events.sort_by_key(|(_, event)| event.at);
    Json(answer(events.iter().map(|(name, event)| (&**name, event))))
}

/// `GET /actuator/circuitbreakerevents/{name}`
pub(super) async fn of_one(
    Shared(platform): Shared<Platform>,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<Value>, ApiError> {
    let events = platform.breakers().events(&find(&platform, &name)?.breaker);
    Ok(Json(answer(events.iter().map(|event| (&*name, event)))))
}

/// `GET /actuator/circuitbreakerevents/{name}/{type}`
pub(super) async fn of_one_kind(
    Shared(platform): Shared<Platform>,
    ApiPath((name, kind)): ApiPath<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let events = platform.breakers().events(&find(&platform, &name)?.breaker);
    let wanted = events.iter().filter(|event| event.kind.as_str().eq_ignore_ascii_case(&kind));
    Ok(Json(answer(wanted.map(|event| (&*name, event)))))
}

/// `GET /actuator/circuitbreakerevents/stream`: transitions and operators' acts as server-sent events, from now
/// on. Outcomes of single calls are not part of it.
pub(super) async fn stream(
    Shared(platform): Shared<Platform>,
) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>>> {
    let told = stream::unfold(platform.breakers().watch(), next);
    let drain = platform.drain().clone();
    // An open stream must not hold up the stop.
    let until = async move { drain.begun().await };
    Sse::new(told.take_until(until).map(Ok)).keep_alive(KeepAlive::default())
}

async fn next(mut watch: Receiver<Told>) -> Option<(SseEvent, Receiver<Told>)> {
    let event = match watch.recv().await {
        Ok((name, event)) => SseEvent::default()
            .id(format!("{name}:{}", event.sequence))
            .event(event.kind.as_str())
            .data(shown(&name, &event).to_string()),
        Err(RecvError::Lagged(missed)) => SseEvent::default().event("MISSED").data(missed.to_string()),
        Err(RecvError::Closed) => return None,
    };
    Some((event, watch))
}

fn answer<'a>(events: impl Iterator<Item = (&'a str, &'a Event)>) -> Value {
    let events: Vec<_> = events.map(|(name, event)| shown(name, event)).collect();
    json!({ "circuitBreakerEvents": events })
}

/// Absent keys are absent in the reference too.
fn shown(name: &str, event: &Event) -> Value {
    let mut shown = json!({
        "circuitBreakerName": name,
        "type": event.kind.as_str(),
        "creationTime": contract::time::format(DateTime::<Utc>::from(event.at)),
        "sequence": event.sequence,
    });
    if let Some(trace) = &event.trace {
        shown["traceId"] = json!(**trace);
    }
    match &event.kind {
        EventKind::Success { duration } | EventKind::Cancelled { duration } => {
            shown["durationInMs"] = json!(duration.as_millis());
        }
        EventKind::Error { duration, cause } | EventKind::IgnoredError { duration, cause } => {
            shown["durationInMs"] = json!(duration.as_millis());
            shown["errorMessage"] = json!(cause);
        }
        EventKind::StateTransition { from, to, cause } => {
            shown["stateTransition"] = json!(format!("{}_TO_{}", from.as_str(), to.as_str()));
            shown["cause"] = json!(cause.to_string());
        }
        EventKind::FailureRateExceeded { rate } => shown["failureRate"] = json!(rate),
        EventKind::SlowCallRateExceeded { rate } => shown["slowCallRate"] = json!(rate),
        EventKind::NotPermitted | EventKind::Reset | EventKind::ForcedOpen | EventKind::Disabled => {}
    }
    shown
}
