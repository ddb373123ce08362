//! Bodies pass as they come.

use std::time::Duration;

use bytes::Bytes;
use contract::user::Role;
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fixture::{Gateway, Options, Raw};

const SOON: Duration = Duration::from_secs(5);

#[expect(clippy::unnecessary_wraps, reason = "what the stream of a body takes")]
fn chunk(text: &'static str) -> Result<Bytes, std::io::Error> {
    Ok(Bytes::from_static(text.as_bytes()))
}

fn impatient(timeout_ms: u64) -> Options {
    let mut options = Options::default();
    for route in &mut options.routes.routes {
        route.timeout_ms = timeout_ms;
    }
    options
}

#[tokio::test]
async fn the_first_byte_arrives_before_the_last_was_sent() {
    let gateway = Gateway::start().await;
    let sender = gateway.upstream.stream();
    sender.send(chunk("first")).await.unwrap();
    let answer = timeout(SOON, gateway.get("/api/store/items/stream").send()).await.unwrap().unwrap();
    let mut body = answer.bytes_stream();
    assert_eq!(timeout(SOON, body.next()).await.unwrap().unwrap().unwrap(), "first");
    sender.send(chunk("second")).await.unwrap();
    assert_eq!(timeout(SOON, body.next()).await.unwrap().unwrap().unwrap(), "second");
    drop(sender);
    assert!(timeout(SOON, body.next()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_stream_of_events_outlives_the_timeout_of_its_route() {
    let gateway = Gateway::with(impatient(300)).await;
    let sender = gateway.upstream.stream();
    let token = gateway.keys.somebody(Role::User);
    let answer = gateway.get("/api/chat/1/events").bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["cache-control"], "no-cache");
    let mut body = answer.bytes_stream();
    for _ in 0..2 {
        // A request that came later has used up its time by then.
        let overdue = gateway.get("/api/store/items/hang").send().await.unwrap();
        assert_eq!(overdue.status(), 504);
        sender.send(chunk("data: {}\n\n")).await.unwrap();
        assert_eq!(timeout(SOON, body.next()).await.unwrap().unwrap().unwrap(), "data: {}\n\n");
    }
}

#[tokio::test]
async fn any_other_answer_is_cut_when_its_time_is_up() {
    let gateway = Gateway::with(impatient(300)).await;
    let sender = gateway.upstream.stream();
    sender.send(chunk("first")).await.unwrap();
    let answer = gateway.get("/api/store/items/stream").send().await.unwrap();
    assert!(timeout(SOON, answer.bytes()).await.unwrap().is_err(), "a cut answer must not look complete");
    drop(sender);
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_complete() {
    let gateway = Gateway::start().await;
    let sender = gateway.upstream.stream();
    sender.send(chunk("first")).await.unwrap();
    let answer = gateway.get("/api/store/items/stream").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    sender.send(Err(std::io::Error::other("broken"))).await.unwrap();
    assert!(timeout(SOON, answer.bytes()).await.unwrap().is_err());
}

#[tokio::test]
async fn a_service_hears_that_the_client_has_gone() {
    let gateway = Gateway::start().await;
    let mut cancelled = gateway.upstream.cancelled();
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(b"GET /api/store/items/hang HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    testkit::eventually(SOON, || async { gateway.upstream.seen() == 1 }).await;
    drop(stream);
    timeout(SOON, cancelled.wait_for(|count| *count == 1)).await.unwrap().unwrap();
}

/// Sends `body` after the head, whatever the gateway thinks of it, and reads the answer.
async fn upload(gateway: &Gateway, head: &str, body: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    for piece in body.chunks(64 * 1024) {
        stream.write_all(piece).await.unwrap();
    }
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().expect("closed, not reset");
    Raw::parse(&answer)
}

#[tokio::test]
async fn a_body_that_is_announced_as_too_large_is_refused_and_the_status_arrives() {
    let gateway = Gateway::start().await;
    let body = vec![b'x'; 8 * 1024 * 1024];
    let head = format!(
        "POST /api/users HTTP/1.1\r\nHost: a\r\nOrigin: http://localhost:1\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = upload(&gateway, &head, &body).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:1"));
    assert_eq!(gateway.upstream.seen(), 0);
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_refused_and_the_status_arrives() {
    let gateway = Gateway::start().await;
    let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let body = piece.repeat(40) + "0\r\n\r\n";
    let head = "POST /api/users HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(upload(&gateway, head, body.as_bytes()).await.status, 413);
}

#[tokio::test]
async fn a_body_of_the_allowed_size_passes() {
    let gateway = Gateway::start().await;
    let answer = gateway.post("/api/users").body("x".repeat(1024 * 1024)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = answer.json::<serde_json::Value>().await.unwrap();
    assert_eq!(body["body"].as_str().unwrap().len(), 1024 * 1024);
}

#[tokio::test]
async fn a_refusal_during_an_upload_arrives_too() {
    let gateway = Gateway::start().await;
    let body = vec![b'x'; 900 * 1024];
    let head = format!("PUT /api/users/1 HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    assert_eq!(upload(&gateway, &head, &body).await.status, 401);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_before_it_sends_its_body() {
    let gateway = Gateway::start().await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let head = "Host: a\r\nConnection: close\r\nExpect: 100-continue\r\n";
    let request = format!("POST /api/users HTTP/1.1\r\n{head}Content-Length: 5\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    timeout(SOON, stream.read_exact(&mut go_on)).await.unwrap().unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Raw::parse(&answer).json()["body"], "hello");
    let refused = format!("POST /api/users HTTP/1.1\r\n{head}Content-Length: 9999999\r\n\r\n");
    assert_eq!(upload(&gateway, &refused, b"").await.status, 413);
}

#[tokio::test]
async fn a_body_that_stops_arriving_is_the_clients_fault() {
    let gateway = Gateway::with(impatient(300)).await;
    let head = "POST /api/users HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc";
    assert_eq!(upload(&gateway, head, b"").await.status, 408);
}

#[tokio::test]
async fn a_service_that_gave_up_on_a_body_first_makes_it_no_fault_of_its_own() {
    let gateway = Gateway::start().await;
    let head = "POST /api/auth/oauth2/overdue HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc";
    assert_eq!(upload(&gateway, head, b"").await.status, 408);
    let whole = head.replace("10", "3");
    let whole = whole.replace("Host: a", "Host: a\r\nConnection: close");
    assert_eq!(upload(&gateway, &whole, b"").await.status, 504);
}
