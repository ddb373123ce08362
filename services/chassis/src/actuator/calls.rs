//! `/actuator/retries` and `/actuator/bulkheads`: what else guards the calls to other services, by callee.
//!
//! The lists of names are Resilience4j's; `details` is ours.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use crate::client::TargetView;
use crate::platform::Platform;

/// `GET /actuator/retries`
pub(super) async fn retries(State(platform): State<Platform>) -> Json<Value> {
    Json(listed("retries", &platform.calls().view(), |target| {
        let calls: Map<_, _> =
            target.calls.iter().map(|(kind, count)| ((*kind).to_owned(), json!(count))).collect();
        let hedges = &target.hedges;
        json!({
            "calls": calls,
            "budgetLeft": target.retries_left,
            "hedges": {
                "requests": hedges.requests,
                "sent": hedges.sent,
                "won": hedges.won,
                "delayMs": hedges.delay.map(millis),
            },
        })
    }))
}

/// `GET /actuator/bulkheads`
pub(super) async fn bulkheads(State(platform): State<Platform>) -> Json<Value> {
    Json(listed("bulkheads", &platform.calls().view(), |target| {
        let endpoints: Map<_, _> = target
            .endpoints
            .iter()
            .map(|endpoint| {
                let shown = json!({
                    "url": endpoint.url,
                    "ejected": endpoint.ejected,
                    "estimateMs": millis(endpoint.estimate),
                    "inFlightCalls": endpoint.in_flight,
                });
                (endpoint.instance.clone(), shown)
            })
            .collect();
        json!({
            "availableConcurrentCalls": target.available,
            "maxAllowedConcurrentCalls": target.max,
            "queuedCalls": target.queued,
            "instances": endpoints,
        })
    }))
}

fn listed(kind: &str, targets: &[TargetView], details: impl Fn(&TargetView) -> Value) -> Value {
    let names: Vec<_> = targets.iter().map(|target| target.callee).collect();
    let details: Map<_, _> =
        targets.iter().map(|target| (target.callee.to_owned(), details(target))).collect();
    json!({ kind: names, "details": details })
}

fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
