//! Stopping without a failed request.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fixture::{Gateway, Raw};

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_request_in_flight_is_finished_and_told_to_come_no_more() {
    let mut gateway = Gateway::start().await;
    let sender = gateway.upstream.stream();
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(b"GET /api/store/items/stream HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    testkit::eventually(SOON, || async { gateway.upstream.seen() == 1 }).await;
    let finish = async {
        gateway.platform.drain().begun().await;
        sender.send(Ok("late".into())).await.unwrap();
        drop(sender);
        let mut answer = Vec::new();
        timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        answer
    };
    let platform = gateway.platform.clone();
    let (answer, ()) = tokio::join!(finish, async { platform.drain().begin() });
    let answer = Raw::parse(&answer);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("late"));
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_the_gateway_ends_soon() {
    let mut gateway = Gateway::start().await;
    let mut idle = TcpStream::connect(gateway.address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut buffer = vec![0; 4096];
    assert!(idle.read(&mut buffer).await.unwrap() > 0);
    let closed = async {
        let mut rest = Vec::new();
        idle.read_to_end(&mut rest).await.unwrap();
        drop(idle);
    };
    let (stopped, ()) = timeout(SOON, async { tokio::join!(gateway.stop(), closed) }).await.unwrap();
    stopped.unwrap();
}

#[tokio::test]
async fn under_load_a_stop_costs_no_request() {
    let mut gateway = Gateway::start().await;
    let address = gateway.address;
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        clients.spawn(async move { talk_until_told_to_stop(address).await });
    }
    testkit::eventually(SOON, || async { gateway.upstream.seen() > 200 }).await;
    gateway.stop().await.unwrap();
    let mut answered = 0;
    while let Some(client) = timeout(SOON, clients.join_next()).await.unwrap() {
        answered += client.unwrap();
    }
    assert!(answered > 200, "{answered}");
}

/// Keeps one connection busy; every request must be answered until an answer says `close`.
async fn talk_until_told_to_stop(address: std::net::SocketAddr) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answered = 0;
    loop {
        stream.write_all(b"GET /api/store/items HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let head = read_answer(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        answered += 1;
        if head.to_ascii_lowercase().contains("connection: close") {
            return answered;
        }
    }
}

async fn read_answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let read = timeout(SOON, stream.read_buf(&mut bytes)).await.unwrap().unwrap();
        assert!(read > 0, "closed in the middle of {:?}", String::from_utf8_lossy(&bytes));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").and_then(|length| length.trim().parse::<usize>().ok())
        });
        if length.is_some_and(|length| body.len() >= length) {
            return head.to_owned();
        }
    }
}
