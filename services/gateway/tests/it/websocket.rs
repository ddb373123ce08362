//! Opening a WebSocket: who may, what reaches the service, and what comes back.

use std::time::Duration;

use contract::gateway::RateLimit;
use contract::user::Role;
use futures_util::{SinkExt as _, StreamExt as _};
use testkit::access_claims;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::fixture::{Gateway, Options, Raw, Speaker, exchange, speak, with_speaker};

const SOON: Duration = Duration::from_secs(5);
const PAGE: &str = "http://localhost:3000";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

async fn start() -> (Gateway, Speaker) {
    with_speaker(Options::default()).await
}

/// A request for a WebSocket with these lines, and what comes behind it.
fn upgrade(lines: &str, behind: &str) -> String {
    format!(
        "GET /ws/chat/echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{lines}\r\n{behind}"
    )
}

#[tokio::test]
async fn a_client_and_a_service_talk() {
    let (gateway, speaker) = start().await;
    let offers = [("sec-websocket-protocol", "dorandoran.v1, bearer.x"), ("origin", PAGE)];
    let (mut socket, answer) =
        speak(gateway.address, "/ws/chat/greeter?ticket=a%2Bb", &offers).await.unwrap();
    assert_eq!(answer.status(), 101);
    let headers = answer.headers();
    assert_eq!(headers["sec-websocket-protocol"], "dorandoran.v1");
    assert_eq!(
        (&headers["upgrade"], &headers["connection"]),
        (&"websocket".parse().unwrap(), &"upgrade".parse().unwrap())
    );
    assert!(headers.contains_key("x-trace-id") && headers.contains_key("x-ratelimit-remaining"));
    assert!(!headers.contains_key("content-length") && !headers.contains_key("transfer-encoding"));
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("welcome"));
    for text in ["안녕", "하세요"] {
        socket.send(Message::text(text)).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
    }
    assert_eq!(speaker.handshakes().len(), 1);
}

#[tokio::test]
async fn what_reaches_the_service_is_clean() {
    let (gateway, speaker) = start().await;
    let sent = [
        ("x-user-id", "1"),
        ("x-user-role", "ROLE_ADMIN"),
        ("x-internal-token", "t"),
        ("x-real-ip", "6.6.6.6"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-request-timeout-ms", "999999"),
        ("te", "trailers"),
        ("proxy-authorization", "x"),
        ("authorization", "Bearer kept"),
        ("sec-websocket-extensions", "permessage-deflate"),
        ("x-kept", "yes"),
    ];
    let _open = speak(gateway.address, "/ws/chat/echo", &sent).await.unwrap();
    let seen = speaker.handshakes().remove(0);
    for gone in ["x-user-id", "x-user-role", "x-internal-token", "te", "proxy-authorization"] {
        assert!(!seen.contains_key(gone), "{gone}");
    }
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-extensions", "permessage-deflate"),
        ("authorization", "Bearer kept"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-kept", "yes"),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    assert!(seen["x-request-timeout-ms"].to_str().unwrap().parse::<u64>().unwrap() <= 2000);
    assert!(seen.contains_key("traceparent") && seen.contains_key("sec-websocket-key"));
}

#[tokio::test]
async fn a_service_that_refuses_is_heard() {
    let (gateway, speaker) = start().await;
    for status in [401, 403, 404, 503] {
        let path = format!("/ws/chat/{status}");
        let refused = speak(gateway.address, &path, &[("origin", PAGE)]).await.unwrap_err();
        assert_eq!(refused.status(), status);
        let headers = refused.headers();
        assert_eq!(
            (&headers["x-why"], &headers["connection"]),
            (&"refused".parse().unwrap(), &"close".parse().unwrap())
        );
        assert_eq!(headers["access-control-allow-origin"], PAGE);
    }
    assert_eq!((speaker.handshakes().len(), *speaker.open().borrow()), (4, 0));
}

#[tokio::test]
async fn a_service_that_is_gone_is_a_problem_not_a_socket() {
    let mut options = Options::default();
    options.urls.insert("chat", "http://127.0.0.1:1".into());
    let gateway = Gateway::with(options).await;
    let refused = speak(gateway.address, "/ws/chat/echo", &[]).await.unwrap_err();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"2".parse().unwrap()));
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_foreign_page_opens_nothing() {
    let (gateway, speaker) = start().await;
    let token = gateway.keys.somebody(Role::User);
    let offer = format!("bearer.{token}");
    for origin in ["https://evil.example", "null", "http://localhost.evil.example"] {
        let sent = [("origin", origin), ("sec-websocket-protocol", offer.as_str())];
        let refused = speak(gateway.address, "/ws/chat/echo", &sent).await.unwrap_err();
        assert_eq!(refused.status(), 403, "{origin}");
        assert!(!refused.headers().contains_key("access-control-allow-origin"));
    }
    let two = [("origin", PAGE), ("origin", "https://evil.example")];
    assert_eq!(speak(gateway.address, "/ws/chat/echo", &two).await.unwrap_err().status(), 403);
    assert!(speaker.handshakes().is_empty());
}

#[tokio::test]
async fn an_incomplete_handshake_is_told_what_is_missing() {
    let (gateway, speaker) = start().await;
    for (lines, status) in [
        ("", 426),
        ("Sec-WebSocket-Version: 13\r\n", 400),
        ("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", 400),
        ("Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 426),
    ] {
        let bytes =
            exchange(gateway.address, upgrade(lines, "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(String::from_utf8_lossy(&bytes).matches("HTTP/1.1 ").count(), 1, "{lines:?}");
        let answer = Raw::parse(&bytes);
        assert_eq!((answer.status, answer.json()["errorCode"].as_str()), (status, Some("E002")), "{lines:?}");
        let version = answer.header("sec-websocket-version");
        assert_eq!(
            (version, answer.header("upgrade")),
            if status == 426 { (Some("13"), Some("websocket")) } else { (None, None) }
        );
    }
    assert!(speaker.handshakes().is_empty());
}

#[tokio::test]
async fn requests_that_ask_for_less_than_a_websocket_are_ordinary() {
    let (gateway, speaker) = start().await;
    for (request, body) in [
        ("GET /ws/chat/echo HTTP/1.1\r\nConnection: close\r\nUpgrade: websocket\r\n", ""),
        ("GET /ws/chat/echo HTTP/1.1\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n", ""),
        ("GET /ws/chat/echo HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", ""),
        (
            "GET /ws/chat/echo HTTP/1.1\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n",
            "ok",
        ),
    ] {
        let answer = exchange(gateway.address, format!("{request}Host: a\r\n{KEY}\r\n{body}")).await;
        let answer = Raw::parse(&answer);
        assert_eq!((answer.status, answer.body.as_str()), (200, "no websocket"), "{request}");
    }
    assert!(speaker.handshakes().iter().all(|seen| !seen.contains_key("upgrade")));
    let post =
        "POST /ws/chat/echo HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n";
    let answer = Raw::parse(&exchange(gateway.address, format!("{post}{KEY}\r\n")).await);
    assert_eq!(answer.status, 401, "only GET is open to all");
}

#[tokio::test]
async fn what_follows_a_refused_upgrade_is_never_a_request() {
    let gateway = Gateway::start().await;
    let smuggled = "GET /api/store/items/smuggled HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000);
    for path in ["/nowhere", "/api/users/1", "/actuator/health", "/api/store/items"] {
        let request = upgrade(KEY, &smuggled).replace("/ws/chat/echo", path);
        let bytes = exchange(gateway.address, request).await;
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{path}: {text}");
        assert_eq!(Raw::parse(&bytes).header("connection"), Some("close"), "{path}");
    }
    assert_eq!(gateway.upstream.seen(), 1, "the one that a service answered");
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_is_noticed_by_the_service() {
    let gateway = Gateway::start().await;
    let mut cancelled = gateway.upstream.cancelled();
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let request = upgrade(KEY, "early").replace("/ws/chat/echo", "/api/store/items/hang");
    stream.write_all(request.as_bytes()).await.unwrap();
    testkit::eventually(SOON, || async { gateway.upstream.seen() == 1 }).await;
    drop(stream);
    timeout(SOON, cancelled.wait_for(|count| *count == 1)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_before_the_upgrade_is_answered_first() {
    let (gateway, _speaker) = start().await;
    let first = "GET /api/store/items HTTP/1.1\r\nHost: a\r\n\r\n";
    let bytes = exchange(gateway.address, format!("{first}{}", upgrade("", ""))).await;
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    assert!(text.contains("HTTP/1.1 426 "), "{text}");
    let (first, _) = text.split_once("\r\n\r\n").unwrap();
    assert!(!first.contains("connection: close"), "{first}");
}

#[tokio::test]
async fn users_are_counted_by_the_token_that_they_bring() {
    let mut options = Options::default();
    for route in &mut options.routes.routes {
        route.rate_limit = RateLimit { per_second: 1, burst: 1 };
    }
    let (gateway, _speaker) = with_speaker(options).await;
    let (one, other) = (
        gateway.keys.sign(&access_claims(chassis::fresh_id(), Role::User)),
        gateway.keys.somebody(Role::User),
    );
    let by_protocol = async |offer: String| {
        let sent = [("sec-websocket-protocol", offer.as_str())];
        speak(gateway.address, "/ws/chat/echo", &sent)
            .await
            .map_or_else(|refused| refused.status().as_u16(), |_| 101)
    };
    assert_eq!(by_protocol(format!("dorandoran.v1, bearer.{one}")).await, 101);
    assert_eq!(by_protocol(format!("{one}, dorandoran.v1")).await, 429, "the same user");
    assert_eq!(by_protocol(format!("dorandoran.v1, {other}")).await, 101, "another user");
    let header = format!("Bearer {other}");
    let sent = [("authorization", header.as_str())];
    let refused = speak(gateway.address, "/ws/chat/echo", &sent).await.unwrap_err();
    assert_eq!(refused.status(), 429, "the other one again");
    assert_eq!(
        by_protocol("dorandoran.v1, bearer.eyJ.broken.token".into()).await,
        101,
        "a stranger, by address"
    );
    assert_eq!(by_protocol("dorandoran.v1, bearer.eyJ.broken.token".into()).await, 429);
}

#[tokio::test]
async fn a_route_that_wants_a_token_takes_an_offered_one() {
    let mut options = Options::default();
    options.routes.routes.iter_mut().for_each(|route| route.public.clear());
    let (gateway, _speaker) = with_speaker(options).await;
    assert_eq!(speak(gateway.address, "/ws/chat/echo", &[]).await.unwrap_err().status(), 401);
    let offer = format!("dorandoran.v1, bearer.{}", gateway.keys.somebody(Role::User));
    assert!(speak(gateway.address, "/ws/chat/echo", &[("sec-websocket-protocol", &offer)]).await.is_ok());
    let plain = gateway.get("/ws/chat/echo").header("sec-websocket-protocol", &offer).send().await.unwrap();
    assert_eq!(plain.status(), 401, "not for ordinary requests");
}

#[tokio::test]
async fn many_open_at_once_and_are_counted_while_they_are() {
    let mut options = Options::default();
    let chat = options.routes.routes.iter_mut().find(|route| route.id == "chat").unwrap();
    chat.paths.push("/ws/counted/**".into());
    chat.access = contract::gateway::Access::Public;
    let (gateway, speaker) = with_speaker(options).await;
    let active = async || {
        let text = gateway.get("/actuator/prometheus").send().await.unwrap().text().await.unwrap();
        let name = "gateway_websockets_active{uri=\"/ws/counted/**\"} ";
        text.lines().find_map(|line| line.strip_prefix(name)).map(|count| count.parse::<f64>().unwrap())
    };
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(speak(gateway.address, "/ws/counted/echo", &[]).await.unwrap().0);
    }
    for socket in &mut sockets {
        socket.send(Message::text("one of many")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("one of many"));
    }
    assert_eq!(active().await, Some(20.0));
    drop(sockets);
    speaker.open().wait_for(|open| *open == 0).await.unwrap();
    testkit::eventually(SOON, || async { active().await == Some(0.0) }).await;
}
