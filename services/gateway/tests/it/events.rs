//! Streams of events: live both ways, never timed as a whole, and ended cleanly.

use std::time::Duration;

use bytes::Bytes;
use contract::user::Role;
use futures_util::StreamExt as _;
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fixture::{Gateway, Options};

const SOON: Duration = Duration::from_secs(5);
const PAGE: &str = "http://localhost:3000";

fn request(gateway: &Gateway) -> String {
    let token = gateway.keys.somebody(Role::User);
    format!(
        "GET /api/chat/stream/events HTTP/1.1\r\nHost: a\r\nOrigin: {PAGE}\r\nLast-Event-ID: 41\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    )
}

/// An open stream, as a raw client sees it, after its first event.
async fn open(
    gateway: &Gateway,
    sender: &tokio::sync::mpsc::Sender<Result<Bytes, std::io::Error>>,
) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(request(gateway).as_bytes()).await.unwrap();
    sender.send(Ok("data: 1\n\n".into())).await.unwrap();
    let mut text = String::new();
    while !text.contains("data: 1\n\n") {
        let mut buffer = vec![0; 4096];
        let count = timeout(SOON, stream.read(&mut buffer)).await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    stream
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    timeout(SOON, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_service_hears_at_once_that_nobody_listens_any_more() {
    let gateway = Gateway::start().await;
    let sender = gateway.upstream.stream();
    let stream = open(&gateway, &sender).await;
    drop(stream);
    timeout(Duration::from_secs(1), sender.closed()).await.expect("within a second, without another event");
}

#[tokio::test]
async fn the_head_of_a_stream_is_there_before_its_first_event_and_a_page_may_read_it() {
    let gateway = Gateway::start().await;
    let _sender = gateway.upstream.stream();
    let stream = gateway
        .get("/api/chat/stream/events")
        .bearer_auth(gateway.keys.somebody(Role::User))
        .header("origin", PAGE);
    let answer = timeout(SOON, stream.send()).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    let headers = answer.headers();
    assert_eq!(headers["access-control-allow-origin"], PAGE);
    assert_eq!(
        (&headers["content-type"], &headers["cache-control"]),
        (&"text/event-stream".parse().unwrap(), &"no-cache".parse().unwrap())
    );
    assert!(!headers.contains_key("content-length") && !headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn a_page_may_say_which_event_it_saw_last_and_the_service_reads_it() {
    let gateway = Gateway::start().await;
    let preflight = gateway
        .client
        .request(Method::OPTIONS, gateway.url("/api/chat/stream/events"))
        .header("origin", PAGE)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization,last-event-id");
    let allowed = preflight.send().await.unwrap().headers()["access-control-allow-headers"].clone();
    assert!(allowed.to_str().unwrap().contains("Last-Event-ID"));
    let echo = gateway
        .get("/api/chat/x")
        .bearer_auth(gateway.keys.somebody(Role::User))
        .header("last-event-id", "41");
    assert!(echo.send().await.unwrap().text().await.unwrap().contains("[\"last-event-id\",\"41\"]"));
}

#[tokio::test]
async fn a_service_that_ends_its_stream_ends_it_cleanly_for_the_client() {
    let gateway = Gateway::start().await;
    let sender = gateway.upstream.stream();
    let stream = gateway.get("/api/chat/stream/events").bearer_auth(gateway.keys.somebody(Role::User));
    let mut body = timeout(SOON, stream.send()).await.unwrap().unwrap().bytes_stream();
    sender.send(Ok("data: 1\n\n".into())).await.unwrap();
    assert_eq!(timeout(SOON, body.next()).await.unwrap().unwrap().unwrap(), "data: 1\n\n");
    drop(sender);
    assert!(timeout(SOON, body.next()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_timeout_of_the_route_bounds_the_head_alone() {
    let mut options = Options::default();
    options.routes.routes.iter_mut().for_each(|route| route.timeout_ms = 200);
    let gateway = Gateway::with(options).await;
    let ask = |method, path: &str| {
        gateway
            .client
            .request(method, gateway.url(path))
            .bearer_auth(gateway.keys.somebody(Role::User))
            .send()
    };
    assert_eq!(ask(Method::GET, "/api/chat/stream/hang").await.unwrap().status(), 504);
    let _sender = gateway.upstream.stream();
    let head = ask(Method::HEAD, "/api/chat/stream/events").await.unwrap();
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_gateway_that_stops_ends_streams_between_two_events() {
    let mut gateway = Gateway::start().await;
    let sender = gateway.upstream.stream();
    let mut stream = open(&gateway, &sender).await;
    let (stopped, rest) =
        timeout(SOON, async { tokio::join!(gateway.stop(), rest(&mut stream)) }).await.unwrap();
    stopped.unwrap();
    assert_eq!(rest, "0\r\n\r\n", "an end, not a cut");
    timeout(SOON, sender.closed()).await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_stops_does_not_cut_an_event() {
    let mut gateway = Gateway::start().await;
    let sender = gateway.upstream.stream();
    let mut stream = open(&gateway, &sender).await;
    sender.send(Ok("data: 2\n".into())).await.unwrap();
    let mut part = [0; "8\r\ndata: 2\n\r\n".len()];
    timeout(SOON, stream.read_exact(&mut part)).await.unwrap().unwrap();
    gateway.platform.drain().begin();
    sender.send(Ok("\n".into())).await.unwrap();
    assert_eq!(rest(&mut stream).await, "1\r\n\n\r\n0\r\n\r\n");
    gateway.stop().await.unwrap();
}
