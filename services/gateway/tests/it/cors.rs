//! The browser's rules, on every kind of answer.

use contract::user::Role;
use http::Method;
use reqwest::Response;

use crate::fixture::{Gateway, Options, Raw, exchange};

const PAGE: &str = "http://localhost:3000";

fn assert_readable(answer: &Response, what: &str) {
    let headers = answer.headers();
    assert_eq!(headers.get_all("access-control-allow-origin").iter().count(), 1, "{what}");
    assert_eq!(headers["access-control-allow-origin"], PAGE, "{what}");
    assert!(headers["access-control-expose-headers"].to_str().unwrap().contains("X-Trace-Id"), "{what}");
    assert!(headers.get_all("vary").iter().any(|vary| vary == "Origin"), "{what}");
    assert!(headers.contains_key("x-trace-id"), "{what}");
}

#[tokio::test]
async fn every_answer_can_be_read_by_the_page() {
    let mut options = Options::default();
    options.urls.insert("chat", "http://127.0.0.1:1".into());
    let gateway = Gateway::with(options).await;
    let token = gateway.keys.somebody(Role::User);
    for (method, path, status) in [
        (Method::GET, "/", 200),
        (Method::GET, "/actuator/health", 200),
        (Method::GET, "/api/store/items", 200),
        (Method::GET, "/api/store/items/odd", 200),
        (Method::GET, "/nowhere", 404),
        (Method::GET, "/api/users/../x", 404),
        (Method::GET, "/api/users/%zz", 400),
        (Method::GET, "/api/users/1", 401),
        (Method::TRACE, "/api/users/1", 405),
        (Method::OPTIONS, "/api/store/items", 401),
    ] {
        let request = gateway.client.request(method.clone(), gateway.url(path)).header("origin", PAGE);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
        assert_readable(&answer, path);
    }
    for (path, status) in [("/api/batch/jobs", 403), ("/api/chat/chatrooms", 503), ("/api/store/hang", 504)] {
        let answer = gateway.get(path).header("origin", PAGE).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_readable(&answer, path);
    }
}

#[tokio::test]
async fn a_preflight_is_answered_for_any_path_without_a_token() {
    let gateway = Gateway::start().await;
    for path in ["/api/users/1", "/api/batch/jobs", "/nowhere", "/internal/x"] {
        let request = gateway
            .client
            .request(Method::OPTIONS, gateway.url(path))
            .header("origin", PAGE)
            .header("access-control-request-method", "DELETE")
            .header("access-control-request-headers", "authorization,content-type");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 204, "{path}");
        assert_readable(&answer, path);
        let headers = answer.headers();
        assert_eq!(headers["access-control-max-age"], "600");
        assert_eq!(headers["access-control-allow-methods"], "GET, POST, PUT, PATCH, DELETE");
        let allowed = headers["access-control-allow-headers"].to_str().unwrap().to_ascii_lowercase();
        for name in
            ["authorization", "content-type", "idempotency-key", "last-event-id", "if-match", "x-api-key"]
        {
            assert!(allowed.split(", ").any(|allowed| allowed == name), "{name}");
        }
        assert!(!headers.contains_key("x-ratelimit-remaining"), "a preflight is not counted");
    }
    assert_eq!(gateway.upstream.seen(), 0);
}

#[tokio::test]
async fn a_foreign_page_reads_nothing() {
    let gateway = Gateway::start().await;
    for origin in ["https://evil.example", "null", "http://localhost.evil.example"] {
        let answer = gateway.get("/api/store/items").header("origin", origin).send().await.unwrap();
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{origin}");
        assert!(answer.headers().get_all("vary").iter().any(|vary| vary == "Origin"));
    }
}

#[tokio::test]
async fn what_a_service_says_about_origins_and_limits_is_replaced() {
    let gateway = Gateway::start().await;
    let answer = gateway.get("/api/store/items/odd").header("origin", PAGE).send().await.unwrap();
    assert_readable(&answer, "odd");
    let headers = answer.headers();
    assert!(!headers.contains_key("access-control-allow-credentials"));
    assert!(!headers.contains_key("keep-alive"));
    assert_ne!(headers["x-trace-id"], "theirs");
    assert_eq!(headers.get_all("x-ratelimit-remaining").iter().count(), 1);
    assert_ne!(headers["x-ratelimit-remaining"], "999");
    assert_eq!(headers["x-kept"], "yes");
}

#[tokio::test]
async fn even_a_broken_request_gets_an_answer_that_the_page_can_read() {
    let gateway = Gateway::start().await;
    let filler = "x".repeat(40 * 1024);
    for (request, status) in [
        (format!("GET / HTTP/1.1\r\nHost: a\r\nOrigin: {PAGE}\r\nX: {filler}\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nOrigin: {PAGE}\r\nHost: a\r\nHost: b\r\n\r\n"), 400),
        (format!("GET / HTTP/2.0\r\nOrigin: {PAGE}\r\n\r\n"), 505),
    ] {
        let answer = Raw::parse(&exchange(gateway.address, request).await);
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.json()["errorCode"], "E002");
        assert_eq!(answer.json()["traceId"].as_str(), answer.header("x-trace-id"));
    }
}
