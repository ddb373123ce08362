//! Requests that try to mean two things, sent byte by byte.

use std::time::Duration;

use contract::user::Role;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use gateway::Limits;

use crate::fixture::{Gateway, Options, Raw, exchange};

/// What follows a body that ends earlier for one reader than for the other.
const SMUGGLED: &str = "GET /api/store/items/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

fn post(headers: &str, body: &str) -> String {
    format!("POST /api/users HTTP/1.1\r\nHost: a\r\n{headers}\r\n{body}")
}

#[tokio::test]
async fn requests_with_two_meanings_are_refused_and_reach_nobody() {
    let gateway = Gateway::start().await;
    let chunked = format!("0\r\n\r\n{SMUGGLED}");
    for request in [
        post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", &chunked),
        post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", &chunked),
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", &chunked),
        post("Transfer-Encoding: identity, chunked\r\n", &chunked),
        post("Transfer-Encoding: xchunked\r\n", &chunked),
        post("Transfer-Encoding : chunked\r\n", &chunked),
        post("X: y\r\n Transfer-Encoding: chunked\r\n", &chunked),
        post("X: y\rTransfer-Encoding: chunked\r\n", &chunked),
        post("Content-Length: 0\r\nContent-Length: 5\r\n", SMUGGLED),
        post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
        post("Content-Length: 5, 5\r\n", "hello"),
        post("Content-Length: +5\r\n", "hello"),
        post("Content-Length: 5\nX: y\r\n", "hello"),
        "GET /api/store/items HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
        "GET /api/store/items HTTP/1.1\r\n\r\n".to_owned(),
        "GET /api/store/items HTTP/1.1\r\nHost: a\r\nX: one\r\n two\r\n\r\n".to_owned(),
        "GET /api/store/items HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n".to_owned(),
        "GET /api/store/items HTTP/1.1\nHost: a\n\n".to_owned(),
        "GET /api/store/items#x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "POST /api/users HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
    ] {
        let answer = Raw::parse(&exchange(gateway.address, &request).await);
        assert_eq!(answer.status, 400, "{request:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{request:?}");
        assert_eq!(answer.json()["errorCode"], "E002", "{request:?}");
    }
    assert_eq!(gateway.upstream.seen(), 0);
}

#[tokio::test]
async fn nothing_behind_a_chunked_body_becomes_a_request() {
    let gateway = Gateway::start().await;
    let request = post("Transfer-Encoding: chunked\r\n", &format!("5\r\nhello\r\n0\r\n\r\n{SMUGGLED}"));
    let answer = exchange(gateway.address, request).await;
    let text = String::from_utf8_lossy(&answer);
    assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
    assert_eq!(Raw::parse(&answer).header("connection"), Some("close"));
    assert_eq!(gateway.upstream.seen(), 1);
}

#[tokio::test]
async fn a_bad_request_behind_a_good_one_does_not_cost_the_good_one_its_answer() {
    // No clock of the connection ticks while the test waits: the refusal follows the answer by itself.
    let long = Duration::from_mins(2);
    let limits = Limits { head: long, idle: long, stall: long, ..Limits::default() };
    let gateway = Gateway::with(Options { limits, ..Options::default() }).await;
    let good = "GET /api/store/items HTTP/1.1\r\nHost: a\r\n\r\n";
    let bytes = exchange(gateway.address, format!("{good}GET / HTTP/1.1\r\n\r\n")).await;
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    assert_eq!(text.matches("HTTP/1.1 400 ").count(), 1, "{text}");
}

#[tokio::test]
async fn requests_in_one_packet_are_answered_in_order() {
    let gateway = Gateway::start().await;
    let one = |n: u8| format!("GET /api/store/items/{n} HTTP/1.1\r\nHost: a\r\n\r\n");
    let last = "GET /api/store/items/3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let bytes = exchange(gateway.address, format!("{}{}{last}", one(1), one(2))).await;
    let text = String::from_utf8_lossy(&bytes);
    let places: Vec<_> = (1..=3).map(|n| text.find(&format!("/api/store/items/{n}\"")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn a_head_that_arrives_in_crumbs_is_a_head() {
    let gateway = Gateway::start().await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in b"GET /api/store/items/slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" {
        stream.write_all(&[*byte]).await.unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Raw::parse(&answer).json()["target"], "/api/store/items/slow");
}

#[tokio::test]
async fn a_head_that_never_ends_is_answered_and_disturbs_nobody() {
    let mut options = Options::default();
    options.limits.head = Duration::from_millis(200);
    let gateway = Gateway::with(options).await;
    let slow = exchange(gateway.address, "GET / HTTP/1.1\r\nOrigin: http://localhost:1\r\nX: ");
    let (slow, other) = tokio::join!(slow, gateway.get("/api/store/items").send());
    assert_eq!(other.unwrap().status(), 200);
    let slow = Raw::parse(&slow);
    assert_eq!((slow.status, slow.header("access-control-allow-origin")), (408, Some("http://localhost:1")));
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_word() {
    let mut options = Options::default();
    options.limits.idle = Duration::from_millis(200);
    let gateway = Gateway::with(options).await;
    assert!(exchange(gateway.address, "").await.is_empty());
}

#[tokio::test]
async fn hop_by_hop_headers_end_at_the_gateway() {
    let gateway = Gateway::start().await;
    let request = "GET /api/store/items HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\
                   Keep-Alive: 1\r\nUpgrade: websocket\r\nTE: trailers\r\nProxy-Connection: x\r\n\
                   Proxy-Authorization: x\r\nX-End: 1\r\n\r\n";
    let answer = Raw::parse(&exchange(gateway.address, request).await).json();
    let names: Vec<_> =
        answer["headers"].as_array().unwrap().iter().map(|pair| pair[0].as_str().unwrap()).collect();
    for gone in
        ["x-hop", "keep-alive", "upgrade", "te", "proxy-connection", "proxy-authorization", "connection"]
    {
        assert!(!names.contains(&gone), "{gone}");
    }
    assert!(names.contains(&"x-end"));
}

#[tokio::test]
async fn bodies_of_every_kind_arrive_whole() {
    let gateway = Gateway::start().await;
    let token = gateway.keys.somebody(Role::User);
    let delete = gateway.client.delete(gateway.url("/api/store/bookmarks")).bearer_auth(&token);
    let delete: Value = delete
        .header("content-type", "application/json")
        .body("[\"1\"]")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!((&delete["method"], &delete["body"]), (&"DELETE".into(), &"[\"1\"]".into()));
    for headers in ["", "Content-Type: application/json\r\n", "Content-Length: 0\r\n"] {
        let request =
            format!("POST /api/auth/logout HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
        let answer = Raw::parse(&exchange(gateway.address, request).await);
        assert_eq!((answer.status, answer.json()["body"].as_str()), (200, Some("")), "{headers:?}");
    }
    let chunked =
        post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nX-User-Id: 1\r\n\r\n");
    let answer = Raw::parse(&exchange(gateway.address, chunked).await).json();
    assert_eq!(answer["body"], "abcde");
    assert!(!answer["headers"].to_string().contains("x-user-id"));
    let broken = post("Transfer-Encoding: chunked\r\n", "zz\r\nabc");
    assert_eq!(Raw::parse(&exchange(gateway.address, broken).await).status, 400);
}

#[tokio::test]
async fn an_old_client_gets_its_answer() {
    let gateway = Gateway::start().await;
    let answer = exchange(gateway.address, "GET /api/store/items HTTP/1.0\r\n\r\n").await;
    assert_eq!(Raw::parse(&answer).status, 200);
}

#[tokio::test]
async fn as_many_headers_as_pass_the_gateway_pass_the_service() {
    let gateway = Gateway::start().await;
    let filler = |count| "X: y\r\n".repeat(count);
    for (count, status) in [(88, 200), (89, 431)] {
        let request =
            format!("POST /api/users HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{}\r\n", filler(count));
        assert_eq!(Raw::parse(&exchange(gateway.address, request).await).status, status, "{count}");
    }
}
