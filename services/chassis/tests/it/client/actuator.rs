//! What the actuator shows of the calls, and what an operator can do.

use std::time::Duration;

use futures_util::StreamExt as _;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::TestApp;
use utoipa_axum::router::OpenApiRouter;

use super::leaf::{Leaf, Mood, breaker};
use crate::fixture::{platform, serve};

const LIMIT: Duration = Duration::from_secs(5);
const ONE: &str = "/actuator/circuitbreakers/auth-1";

struct Fixture {
    leaf: Leaf,
    platform: chassis::Platform,
    client: chassis::client::ServiceClient,
    app: TestApp,
    operator: String,
}

fn fixture() -> Fixture {
    let (leaf, keys) = (Leaf::start(), testkit::keys());
    let platform = platform(&[
        ("DORAN_AUTH_URLS", leaf.url()),
        ("DORAN_SERVICE_JWKS_FILE", keys.jwks_file().display().to_string()),
    ]);
    let client = platform.client("auth", LIMIT);
    let app = TestApp::new(chassis::app(&platform, OpenApiRouter::new()));
    Fixture { leaf, platform, client, app, operator: keys.token("operator", "chat") }
}

#[tokio::test]
async fn a_breaker_is_shown_in_the_references_form() {
    let Fixture { app, client, leaf: _leaf, .. } = fixture();
    client.get::<u8>("/x").await.unwrap();
    let shown = app.get("/actuator/circuitbreakers").send().await.expect(StatusCode::OK).json();
    assert_eq!(shown["circuitBreakers"]["auth-1"], app.get(ONE).send().await.json());
    insta::assert_json_snapshot!(shown, @r#"
    {
      "circuitBreakers": {
        "auth-1": {
          "bufferedCalls": 1,
          "callee": "auth",
          "consecutiveFailures": 0,
          "failedCalls": 0,
          "failureRate": "-1.0%",
          "failureRateThreshold": "50.0%",
          "inFlightCalls": 0,
          "lastTransition": null,
          "notPermittedCalls": 0,
          "openedCount": 0,
          "registered": true,
          "retryAfterMs": null,
          "slowCallRate": "-1.0%",
          "slowCallRateThreshold": "100.0%",
          "slowCalls": 0,
          "slowFailedCalls": 0,
          "state": "CLOSED",
          "transitionCount": 0
        }
      }
    }
    "#);
    assert_eq!(app.get("/actuator/circuitbreakers/nobody").send().await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn operators_change_a_breaker_and_nobody_else() {
    let Fixture { app, client, platform, operator, leaf: _leaf } = fixture();
    let change = |state: &str| app.post(ONE).json(&json!({ "updateState": state }));
    assert_eq!(change("FORCE_OPEN").send().await.status, StatusCode::UNAUTHORIZED);
    for (update, state) in [
        ("FORCE_OPEN", "FORCED_OPEN"),
        ("DISABLE", "DISABLED"),
        ("METRICS_ONLY", "METRICS_ONLY"),
        ("CLOSE", "CLOSED"),
        ("RESET", "CLOSED"),
    ] {
        let answer = change(update).bearer(&operator).send().await.expect(StatusCode::OK).json();
        assert_eq!(
            (&answer["circuitBreakerName"], &answer["currentState"]),
            (&json!("auth-1"), &json!(state))
        );
        assert_eq!(breaker(&platform, "auth-1").breaker.snapshot().state.as_str(), state);
        assert_eq!(client.get::<u8>("/x").await.is_ok(), state != "FORCED_OPEN");
    }
    let unknown = change("EXPLODE").bearer(&operator).send().await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    let events = app.get("/actuator/circuitbreakerevents").send().await.json();
    let kinds: Vec<_> = events["circuitBreakerEvents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["type"].as_str().unwrap())
        .collect();
    for kind in ["STATE_TRANSITION", "FORCED_OPEN", "DISABLED", "RESET", "SUCCESS"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
}

#[tokio::test]
async fn calls_are_measured_under_the_references_names() {
    let Fixture { app, client, leaf, .. } = fixture();
    client.get::<u8>("/x").await.unwrap();
    leaf.set(Mood::Down);
    client.get::<u8>("/x").await.unwrap_err().fall_back("nothing", |_| ());
    let text = app.get("/actuator/prometheus").send().await.text();
    for line in [
        r#"resilience4j_circuitbreaker_state{name="auth-1",state="closed"} 1"#,
        r#"resilience4j_circuitbreaker_state{name="auth-1",state="open"} 0"#,
        r#"resilience4j_circuitbreaker_failure_rate{name="auth-1",callee="auth"} -1"#,
        r#"resilience4j_circuitbreaker_buffered_calls{name="auth-1",kind="failed"} 2"#,
        r#"resilience4j_circuitbreaker_calls_seconds_count{name="auth-1",kind="successful"}"#,
        r#"resilience4j_circuitbreaker_not_permitted_calls_total{name="auth-1",kind="not_permitted"} 0"#,
        r#"resilience4j_retry_calls_total{name="auth",kind="failed_with_retry"} 1"#,
        r#"resilience4j_bulkhead_available_concurrent_calls{name="auth"} 64"#,
        r#"service_client_fallbacks_total{edge="chat->auth",fallback="nothing",reason="refused"}"#,
        "http_server_concurrency_limit 256",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let retries = app.get("/actuator/retries").send().await.json();
    assert_eq!(retries["retries"], json!(["auth"]));
    assert_eq!(retries["details"]["auth"]["calls"]["failed_with_retry"], 1);
}

#[tokio::test]
async fn transitions_are_streamed_as_they_happen() {
    let Fixture { platform, leaf: _leaf, .. } = fixture();
    let address = serve(chassis::app(&platform, OpenApiRouter::new())).await;
    let http = chassis::client::http_client().unwrap();
    let url = format!("http://{address}/actuator/circuitbreakerevents/stream");
    let answer = http.get(url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    breaker(&platform, "auth-1").breaker.force_open();
    let mut text = String::new();
    let mut chunks = answer.bytes_stream();
    while !text.contains("\n\n") {
        text.push_str(std::str::from_utf8(&chunks.next().await.unwrap().unwrap()).unwrap());
    }
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let event: Value = serde_json::from_str(data).unwrap();
    assert_eq!(event["stateTransition"], "CLOSED_TO_FORCED_OPEN", "{text}");
    assert!(text.contains("event: STATE_TRANSITION\n"), "{text}");
    // The stop does not wait for who watches.
    platform.drain().begin();
    while chunks.next().await.is_some_and(|chunk| chunk.is_ok()) {}
}
