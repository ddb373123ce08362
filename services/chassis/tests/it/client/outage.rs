//! A target that dies and comes back.

use std::time::Duration;

use chassis::client::{CallError, Reason, ServiceClient};
use chassis::{ApiError, Platform};
use http::{Method, StatusCode};
use resilience::breaker::State;
use serde_json::json;
use testkit::{TestApp, eventually};
use utoipa_axum::router::OpenApiRouter;

use super::leaf::{Leaf, Mood, breaker, client_of};
use crate::fixture::platform;

const LIMIT: Duration = Duration::from_secs(5);

async fn get(client: &ServiceClient) -> Result<u8, CallError> {
    client.get("/x").await
}

fn state(platform: &Platform, name: &str) -> State {
    breaker(platform, name).breaker.snapshot().state
}

/// Calls until the breaker is open; how many calls that took.
async fn until_open(platform: &Platform, client: &ServiceClient) -> usize {
    let mut calls = 0;
    while state(platform, "auth-1") != State::Open {
        get(client).await.unwrap_err();
        calls += 1;
        assert!(calls < 100, "a dead target is not noticed");
    }
    calls
}

#[tokio::test]
async fn a_killed_target_is_cut_off_refused_at_once_and_back_when_it_is_back() {
    let mut leaf = Leaf::start();
    let (platform, client) = client_of(&[&leaf], LIMIT);
    let app = TestApp::new(chassis::app(&platform, OpenApiRouter::new()));
    get(&client).await.unwrap();
    leaf.kill();
    let calls = until_open(&platform, &client).await;
    assert!(calls <= 10, "{calls} calls");

    // A slow machine may be past the open wait before the next line: then the probe fails, and it is open again.
    eventually(LIMIT, || async {
        let error = get(&client).await.unwrap_err();
        let shown = app.get("/actuator/circuitbreakers").send().await.json();
        let shown = &shown["circuitBreakers"]["auth-1"];
        if error.reason() != Reason::Open || shown["state"] != "OPEN" {
            return false;
        }
        let answer = ApiError::from(error);
        assert_eq!(answer.status_code(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.retry_after_secs().is_some());
        assert_eq!((&shown["callee"], &shown["registered"]), (&json!("auth"), &json!(true)));
        assert!(shown["openedCount"].as_u64() >= Some(1), "{shown}");
        assert!(shown["notPermittedCalls"].as_u64() >= Some(1), "{shown}");
        assert!(shown["retryAfterMs"].as_u64() <= Some(1500), "{shown}");
        assert!(shown["lastTransition"]["cause"].as_str().unwrap().contains("no connection"), "{shown}");
        true
    })
    .await;

    leaf.restart();
    eventually(LIMIT, || async { get(&client).await.is_ok() }).await;
    eventually(LIMIT, || async { get(&client).await.is_ok() && state(&platform, "auth-1") == State::Closed })
        .await;
    let events = app.get("/actuator/circuitbreakerevents/auth-1/STATE_TRANSITION").send().await.json();
    let transitions: Vec<_> = events["circuitBreakerEvents"].as_array().unwrap().iter().collect();
    assert_eq!(transitions[0]["stateTransition"], "CLOSED_TO_OPEN");
    assert_eq!(transitions[0]["cause"], "7 calls in a row failed, the last with: no connection");
    assert_eq!(transitions.last().unwrap()["stateTransition"], "HALF_OPEN_TO_CLOSED");
}

#[tokio::test]
async fn an_open_instance_is_passed_over() {
    let (mut one, two) = (Leaf::start(), Leaf::start());
    let (platform, client) = client_of(&[&one, &two], LIMIT);
    breaker(&platform, "auth-1").breaker.force_open();
    for _ in 0..20 {
        client.request(Method::POST, "/x").send::<u8>().await.unwrap();
    }
    assert_eq!((one.attempts(), two.attempts()), (0, 20));
    breaker(&platform, "auth-2").breaker.force_open();
    assert_eq!(get(&client).await.unwrap_err().reason(), Reason::Open);
    one.kill();
}

#[tokio::test]
async fn a_busy_target_is_left_alone_for_as_long_as_it_asks() {
    let leaf = Leaf::start();
    leaf.set(Mood::Busy);
    let (platform, client) = client_of(&[&leaf], LIMIT);
    until_open(&platform, &client).await;
    let shot = breaker(&platform, "auth-1").breaker.snapshot();
    // What is left and what has passed, so that it does not matter how late this line is.
    let wait = shot.retry_after.unwrap() + shot.last_transition.unwrap().ago;
    assert!(wait >= Duration::from_secs(1), "it asked for a second, not for our {wait:?}");
}

#[tokio::test]
async fn an_instance_that_discovery_shows_again_is_trusted_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let registry = directory.path().join("registry.json");
    let publish = |instances: &[(&str, String)]| {
        let instances: Vec<_> = instances.iter().map(|(id, url)| json!({ "id": id, "url": url })).collect();
        let aside = registry.with_extension("new");
        std::fs::write(&aside, json!({ "services": { "auth": instances } }).to_string()).unwrap();
        std::fs::rename(aside, &registry).unwrap();
    };
    let mut leaf = Leaf::start();
    publish(&[("auth-1", leaf.url())]);
    let platform = platform(&[("DORAN_REGISTRY", registry.display().to_string())]);
    let client = platform.client("auth", LIMIT);
    get(&client).await.unwrap();
    leaf.kill();
    until_open(&platform, &client).await;
    publish(&[]);
    eventually(LIMIT, || async { !breaker(&platform, "auth-1").registered }).await;
    assert_eq!(get(&client).await.unwrap_err().reason(), Reason::NoInstance);
    leaf.restart();
    publish(&[("auth-1", leaf.url())]);
    eventually(LIMIT, || async { breaker(&platform, "auth-1").registered }).await;
    get(&client).await.unwrap();
    let shot = breaker(&platform, "auth-1").breaker.snapshot();
    assert_eq!((shot.state, shot.totals.opened), (State::Closed, 1));
}
