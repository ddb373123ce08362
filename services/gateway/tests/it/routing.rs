//! Where requests go, and what arrives there.

use serde_json::Value;

use crate::fixture::{Gateway, Raw, exchange};

#[tokio::test]
async fn a_path_and_its_query_arrive_byte_for_byte() {
    let gateway = Gateway::start().await;
    for target in [
        "/api/users/check-email/a%2Bb%40x.y",
        "/api/users/check-email/100%25",
        "/api/store/items/?q=%ED%95%9C%20x&sort=a+b&&x",
        "/api/store/items/x%2Fy",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = Raw::parse(&exchange(gateway.address, request).await);
        assert_eq!((answer.status, answer.json()["target"].as_str()), (200, Some(target)));
    }
}

#[tokio::test]
async fn discovery_documents_at_the_root_come_from_below_the_base_of_auth() {
    let gateway = Gateway::start().await;
    let answer: Value =
        gateway.get("/.well-known/openid-configuration?x=1").send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["target"], "/api/auth/.well-known/openid-configuration?x=1");
    let keys: Value = gateway.get("/.well-known/jwks.json").send().await.unwrap().json().await.unwrap();
    assert_eq!(keys, serde_json::to_value(gateway.keys.jwks()).unwrap());
}

#[tokio::test]
async fn the_front_page_and_the_own_operation_need_no_service() {
    let gateway = Gateway::start().await;
    let front: Value = gateway.get("/").send().await.unwrap().json().await.unwrap();
    assert_eq!(front["status"], "running");
    for key in ["auth", "user", "chat", "store", "batch", "actuator"] {
        assert!(front["endpoints"][key].is_string(), "{key}");
    }
    let health = gateway.get("/actuator/health").send().await.unwrap();
    assert_eq!(health.status(), 200);
    assert_eq!(health.headers()["vary"], "Origin");
    let description: Value = gateway.get("/api-docs").send().await.unwrap().json().await.unwrap();
    assert!(description["paths"]["/"].is_object());
    assert_eq!(gateway.upstream.seen(), 0);
}

#[tokio::test]
async fn what_is_the_services_own_is_not_reachable_by_any_spelling() {
    let gateway = Gateway::start().await;
    for (target, status) in [
        ("/internal/events", 404),
        ("/internal/maintenance/tokens", 404),
        ("/api/users/../../internal/events", 400),
        ("/api/users/%2e%2e/%2e%2e/internal/events", 400),
        ("/api/users/..%2f..%2finternal/events", 400),
        ("/api/users/..;/internal", 400),
        ("//internal/events", 400),
        ("/api//internal", 400),
        ("/api/users/%00", 400),
        ("/api/users/%zz", 400),
        ("/INTERNAL/events", 404),
        ("http://evil.example/internal/events", 404),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = Raw::parse(&exchange(gateway.address, request).await);
        assert_eq!(answer.status, status, "{target}");
    }
    assert_eq!(gateway.upstream.seen(), 0);
}

#[tokio::test]
async fn every_refusal_has_the_one_shape_of_errors_in_the_callers_language() {
    let gateway = Gateway::start().await;
    let answer = gateway.get("/nowhere/x?y").header("accept-language", "en-US").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(answer.headers()["content-language"], "en");
    let trace = answer.headers()["x-trace-id"].to_str().unwrap().to_owned();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["success"], false);
    assert_eq!((problem["data"].is_null(), &problem["errorCode"]), (true, &"E002".into()));
    assert_eq!((&problem["instance"], &problem["status"]), (&"/nowhere/x".into(), &404.into()));
    assert_eq!((&problem["traceId"], &problem["message"]), (&trace.into(), &problem["detail"]));
    let korean: Value = gateway.get("/nowhere").send().await.unwrap().json().await.unwrap();
    assert_ne!(korean["message"], problem["message"]);
    let trace = gateway.client.request(http::Method::TRACE, gateway.url("/api/users/health")).send().await;
    assert_eq!(trace.unwrap().status(), 405);
}

#[tokio::test]
async fn a_trace_goes_on_through_the_gateway_and_is_answered() {
    let gateway = Gateway::start().await;
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = gateway.get("/api/users/health").header("traceparent", given).send().await.unwrap();
    assert_eq!(answer.headers()["x-trace-id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    let seen = answer.json::<Value>().await.unwrap().to_string();
    assert!(seen.contains("00-4bf92f3577b34da6a3ce929d0e0e4736-") && !seen.contains("00f067aa0ba902b7"));
    let fresh = gateway.get("/api/users/health").header("traceparent", "garbage").send().await.unwrap();
    assert_eq!(fresh.headers()["x-trace-id"].len(), 32);
}

#[tokio::test]
async fn requests_are_counted_by_pattern_and_never_by_path() {
    let gateway = Gateway::start().await;
    gateway.get("/api/users/check-email/marker%40x.y").send().await.unwrap();
    gateway.get("/nowhere/marker").send().await.unwrap();
    let metrics = testkit::eventually(std::time::Duration::from_secs(5), || async {
        let text = gateway.get("/actuator/prometheus").send().await.unwrap().text().await.unwrap();
        (text.contains("uri=\"/api/users/**\"") && text.contains("uri=\"NOT_FOUND\"")).then_some(text)
    })
    .await;
    assert!(metrics.contains("http_server_requests_seconds_bucket"));
    assert!(!metrics.contains("marker"));
}
