//! Calls to other services: what goes along, and what comes back when it goes wrong.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chassis::client::{CallError, ServiceClient};
use chassis::context::{self, RequestContext};
use chassis::deadline::Budget;
use chassis::identity::ServiceVerifier;
use chassis::trace::TraceContext;
use chassis::{ApiError, Platform};
use contract::code::ErrorCode;
use contract::text::Language;
use http::{HeaderMap, HeaderName, Method};
use serde_json::Value;
use tokio::time::Instant;

use crate::fixture::{platform, serve};

fn client(url: &str, keys: Option<&testkit::ServiceKeys>, limit: Duration) -> (Platform, ServiceClient) {
    let mut env = vec![("DORAN_AUTH_URLS", url.to_owned())];
    if let Some(keys) = keys {
        env.push(("DORAN_SERVICE_KEY_FILE", keys.key_file("chat").display().to_string()));
    }
    let platform = platform(&env);
    let client = platform.client("auth", limit);
    (platform, client)
}

fn request(left: Duration) -> RequestContext {
    RequestContext {
        trace: TraceContext::start(),
        language: Language::English,
        budget: Budget::of(left, Instant::now()),
        path: "/".to_owned(),
        retry_attempt: 0,
    }
}

/// Answers with the headers it got.
async fn mirror(headers: HeaderMap) -> axum::Json<Value> {
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), Value::from(value.to_str().unwrap_or_default()))
    };
    axum::Json(headers.iter().map(text).collect())
}

#[tokio::test]
async fn a_call_carries_identity_trace_language_and_what_is_left_of_the_budget() {
    let keys = testkit::keys();
    let address = serve(Router::new().route("/mirror", get(mirror))).await;
    let (_platform, client) = client(&format!("http://{address}"), Some(&keys), Duration::from_secs(5));
    let request = request(Duration::from_secs(2));
    let trace_id = request.trace.trace_id.to_string();
    let headers: Value = context::scope(request, client.get("/mirror")).await.unwrap();

    let left: u64 = headers["x-request-timeout-ms"].as_str().unwrap().parse().unwrap();
    assert!((1..=2000).contains(&left), "{left}");
    assert_eq!(headers["traceparent"].as_str().unwrap()[3..35], trace_id);
    assert_eq!(headers["accept-language"], "en");
    let token = headers["authorization"].as_str().unwrap().strip_prefix("Bearer ").unwrap();
    let auth = ServiceVerifier::from_file("auth", &keys.jwks_file()).unwrap();
    assert_eq!(auth.verify(token).unwrap().iss, "chat");
}

#[tokio::test]
async fn a_header_of_the_callees_own_goes_along() {
    let address = serve(Router::new().route("/mirror", get(mirror))).await;
    let (_platform, client) = client(&format!("http://{address}"), None, Duration::from_secs(5));
    let name = HeaderName::from_static("x-signature");
    let call = client.request(Method::GET, "/mirror").header(name.clone(), "t=1,v1=2");
    assert_eq!(call.send::<Value>().await.unwrap()["x-signature"], "t=1,v1=2");
    let broken = client.request(Method::GET, "/mirror").header(name, "two\nlines").send::<Value>().await;
    assert!(matches!(broken, Err(CallError::Request { .. })), "{broken:?}");
}

#[tokio::test]
async fn a_refusal_comes_back_with_its_code() {
    let refuse = get(|| async { ApiError::new(ErrorCode::EmailTaken) });
    let address = serve(Router::new().route("/", refuse)).await;
    let (_platform, client) = client(&format!("http://{address}"), None, Duration::from_secs(5));
    let error = client.get::<Value>("/").await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::EmailTaken));
    assert_eq!(error.status().unwrap(), 409);
    assert_eq!(ApiError::from(error).code(), ErrorCode::Internal, "a refusal nobody expected is a defect");
}

#[tokio::test]
async fn a_call_ends_with_the_request_it_is_made_for() {
    let never = get(|| async {
        std::future::pending::<()>().await;
    });
    let address = serve(Router::new().route("/", never)).await;
    let (_platform, client) = client(&format!("http://{address}"), None, Duration::from_mins(1));
    let spent = context::scope(request(Duration::ZERO), client.get::<Value>("/")).await;
    assert!(matches!(spent, Err(CallError::Timeout { .. })), "nothing left: not even tried");
    let short = context::scope(request(Duration::from_millis(30)), client.get::<Value>("/")).await;
    assert!(matches!(short, Err(CallError::Timeout { .. })));
    assert_eq!(ApiError::from(short.unwrap_err()).code(), ErrorCode::UpstreamTimeout);
}

#[tokio::test]
async fn nobody_there_is_told_from_a_broken_answer() {
    let nobody = format!("http://127.0.0.1:{}", testkit::free_port());
    let (_p1, unreachable) = client(&nobody, None, Duration::from_secs(5));
    let error = unreachable.get::<Value>("/").await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error:?}");
    assert_eq!(ApiError::from(error).code(), ErrorCode::UpstreamUnavailable);

    let address = serve(Router::new().route("/", get(|| async { "not json" }))).await;
    let (_p2, broken) = client(&format!("http://{address}"), None, Duration::from_secs(5));
    let error = broken.get::<Value>("/").await.unwrap_err();
    assert!(matches!(error, CallError::BrokenAnswer { .. }), "{error:?}");

    let unknown = platform(&[]).client("store", Duration::from_secs(5));
    assert!(matches!(unknown.get::<Value>("/").await, Err(CallError::NoInstance { .. })));
}

#[tokio::test]
async fn instances_share_the_calls() {
    let one = serve(Router::new().route("/", get(|| async { axum::Json(1) }))).await;
    let two = serve(Router::new().route("/", get(|| async { axum::Json(2) }))).await;
    let (_platform, client) = client(&format!("http://{one},http://{two}"), None, Duration::from_secs(5));
    let mut answers = [0; 3];
    for _ in 0..100 {
        answers[client.get::<usize>("/").await.unwrap()] += 1;
    }
    assert!(answers[1] > 0 && answers[2] > 0, "{answers:?}");
}
