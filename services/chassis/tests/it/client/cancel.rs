//! Calls that are given up leave nothing behind.

use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;
use testkit::{TestApp, eventually};
use utoipa_axum::router::OpenApiRouter;

use super::leaf::{Leaf, Mood, breaker, client_of};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_call_that_is_dropped_gives_everything_back() {
    let leaf = Leaf::start();
    leaf.set(Mood::Hangs);
    let (platform, client) = client_of(&[&leaf], LIMIT);
    // More than may run at once: some wait in the queue when they are dropped.
    let mut calls: FuturesUnordered<_> = (0..150).map(|_| client.get::<u8>("/x")).collect();
    eventually(LIMIT, || {
        assert!(calls.next().now_or_never().is_none(), "nobody answers");
        std::future::ready(leaf.attempts() == 64)
    })
    .await;
    assert_eq!(breaker(&platform, "auth-1").breaker.snapshot().in_flight, 64);
    drop(calls);

    let shot = breaker(&platform, "auth-1").breaker.snapshot();
    assert_eq!((shot.in_flight, shot.totals.cancelled, shot.buffered), (0, 64, 0));
    let app = TestApp::new(chassis::app(&platform, OpenApiRouter::new()));
    let bulkheads = app.get("/actuator/bulkheads").send().await.json();
    let details = &bulkheads["details"]["auth"];
    let free = (&details["availableConcurrentCalls"], &details["queuedCalls"]);
    assert_eq!(free, (&json!(64), &json!(0)), "{bulkheads}");
    assert_eq!(details["instances"]["auth-1"]["inFlightCalls"], 0);
    leaf.set(Mood::Well);
    assert_eq!(client.get::<u8>("/x").await.unwrap(), 1);
}

#[tokio::test]
async fn more_calls_than_fit_are_refused_at_once() {
    let leaf = Leaf::start();
    leaf.set(Mood::Hangs);
    let (_platform, client) = client_of(&[&leaf], LIMIT);
    let mut calls: FuturesUnordered<_> = (0..=64 + 128).map(|_| client.get::<u8>("/x")).collect();
    let refused = calls.next().await.unwrap().unwrap_err();
    assert_eq!(refused.to_string(), "too many calls to auth are under way");
    assert!(calls.next().now_or_never().is_none(), "the others run or wait");
}

#[tokio::test]
async fn an_instance_that_hangs_is_blamed_only_by_those_who_gave_it_time() {
    let leaf = Leaf::start();
    leaf.set(Mood::Hangs);
    let (platform, patient) = client_of(&[&leaf], Duration::from_secs(2));
    let hurried = platform.client("auth", Duration::from_mins(1));
    let request = |left| {
        use chassis::context::RequestContext;
        use chassis::deadline::Budget;
        use chassis::trace::TraceContext;
        let now = tokio::time::Instant::now();
        RequestContext { budget: Budget::of(left, now), ..RequestContext::of_our_own(TraceContext::start()) }
    };
    chassis::context::scope(request(Duration::from_secs(1)), hurried.get::<u8>("/x")).await.unwrap_err();
    let shot = breaker(&platform, "auth-1").breaker.snapshot();
    assert_eq!((shot.buffered, shot.totals.ignored), (0, 1), "the request at hand had next to nothing left");
    patient.get::<u8>("/x").await.unwrap_err();
    assert_eq!(breaker(&platform, "auth-1").breaker.snapshot().failed, 1);
}
