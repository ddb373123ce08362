//! An open WebSocket: what passes, how it ends, and that nothing of it stays.

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::fixture::{
    Bare, FLOOD, Gateway, Options, Raw, Socket, Speaker, exchange, rest, speak, with_speaker,
};

const SOON: Duration = Duration::from_secs(5);

async fn open(gateway: &Gateway, part: &str) -> Socket {
    speak(gateway.address, &format!("/ws/chat/{part}"), &[]).await.unwrap().0
}

async fn next(socket: &mut Socket) -> Option<Result<Message, Error>> {
    timeout(SOON, socket.next()).await.expect("something comes soon")
}

#[tokio::test]
async fn big_messages_pass_both_ways() {
    let (gateway, _speaker) = with_speaker(Options::default()).await;
    let mut socket = open(&gateway, "echo").await;
    let big: Vec<u8> = (0..1024 * 1024_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    for _ in 0..3 {
        socket.send(Message::binary(big.clone())).await.unwrap();
        assert_eq!(next(&mut socket).await.unwrap().unwrap(), Message::binary(big.clone()));
    }
}

#[tokio::test]
async fn close_codes_pass_both_ways() {
    let (gateway, speaker) = with_speaker(Options::default()).await;
    let mut closes = speaker.closes();
    for (count, code) in [1000, 1012, 4001].into_iter().enumerate() {
        let mut socket = open(&gateway, "echo").await;
        let frame = CloseFrame { code: CloseCode::from(code), reason: "bye".into() };
        socket.close(Some(frame)).await.unwrap();
        while next(&mut socket).await.is_some() {}
        closes.wait_for(|closes| closes.len() == 2 * count + 1).await.unwrap();
        assert_eq!(closes.borrow().last().unwrap(), &Some(code));

        let mut socket = open(&gateway, "echo").await;
        socket.send(Message::text(format!("close {code}"))).await.unwrap();
        let Message::Close(Some(frame)) = next(&mut socket).await.unwrap().unwrap() else {
            panic!("the service closes");
        };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (code, "as you wish"));
        while next(&mut socket).await.is_some() {}
        closes.wait_for(|closes| closes.len() == 2 * count + 2).await.unwrap();
    }
    timeout(SOON, speaker.open().wait_for(|open| *open == 0)).await.unwrap().unwrap();
}

#[tokio::test]
async fn bytes_right_behind_the_handshake_go_to_the_other_side_and_nowhere_else() {
    let smuggled = b"GET /api/store/items/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut bare = Bare::open_with(Options::default(), smuggled, b"\x81\x02hi").await;
    let mut early = vec![0; smuggled.len()];
    timeout(SOON, bare.service.read_exact(&mut early)).await.unwrap().unwrap();
    assert_eq!(early, smuggled);
    let mut first = [0; 4];
    timeout(SOON, bare.client.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"\x81\x02hi");
    assert_eq!(bare.gateway.upstream.seen(), 0);
}

#[tokio::test]
async fn a_service_that_dies_in_the_middle_of_a_message_ends_the_connection_at_once() {
    let mut bare = Bare::open(Options::default()).await;
    bare.service.write_all(b"\x82\x7e\x40\x00 and only a part").await.unwrap();
    drop(bare.service);
    let begun = Instant::now();
    assert_eq!(rest(&mut bare.client).await, b"\x82\x7e\x40\x00 and only a part");
    assert!(begun.elapsed() < Duration::from_secs(2), "not only when somebody loses patience");
}

#[tokio::test]
async fn a_service_that_resets_the_connection_ends_the_clients() {
    let mut bare = Bare::open(Options::default()).await;
    bare.client.write_all(b"never read").await.unwrap();
    testkit::eventually(SOON, || async { bare.service.readable().await.is_ok() }).await;
    // Closing with unread data resets.
    drop(bare.service);
    assert!(rest(&mut bare.client).await.is_empty());
}

#[tokio::test]
async fn a_client_that_dies_is_noticed_by_the_service() {
    let (gateway, speaker) = with_speaker(Options::default()).await;
    let mut closes = speaker.closes();
    let mut socket = open(&gateway, "echo").await;
    socket.send(Message::text("here")).await.unwrap();
    next(&mut socket).await.unwrap().unwrap();
    drop(socket);
    timeout(SOON, closes.wait_for(|closes| closes.len() == 1)).await.unwrap().unwrap();
    assert_eq!(*closes.borrow(), [None]);
}

#[tokio::test]
async fn what_a_service_says_after_the_client_has_finished_still_arrives() {
    let mut bare = Bare::open(Options::default()).await;
    bare.client.write_all(b"the last").await.unwrap();
    bare.client.shutdown().await.unwrap();
    assert_eq!(rest(&mut bare.service).await, b"the last");
    bare.service.write_all(b"goodbye").await.unwrap();
    drop(bare.service);
    assert_eq!(rest(&mut bare.client).await, b"goodbye");
}

#[tokio::test]
async fn a_side_that_never_closes_is_left_soon_after_the_other_did() {
    let mut bare = Bare::open(Options::default()).await;
    bare.client.shutdown().await.unwrap();
    let (of_client, of_service) = tokio::join!(rest(&mut bare.client), rest(&mut bare.service));
    assert!(of_client.is_empty() && of_service.is_empty());
}

#[tokio::test]
async fn a_tunnel_without_a_sign_of_life_is_closed() {
    let mut options = Options::default();
    options.limits.quiet = Duration::from_millis(300);
    let mut bare = Bare::open(options).await;
    let (of_client, of_service) = tokio::join!(rest(&mut bare.client), rest(&mut bare.service));
    assert!(of_client.is_empty() && of_service.is_empty());
}

#[tokio::test]
async fn no_limit_of_requests_cuts_a_quiet_tunnel() {
    let mut options = Options::default();
    let tick = Duration::from_millis(50);
    (options.limits.head, options.limits.idle) = (tick, tick);
    options.routes.routes.iter_mut().for_each(|route| route.timeout_ms = 100);
    let (gateway, _speaker) = with_speaker(options).await;
    let mut socket = open(&gateway, "echo").await;
    // Connections and requests that came later have used up their time by then.
    assert!(exchange(gateway.address, "").await.is_empty(), "idle");
    assert_eq!(Raw::parse(&exchange(gateway.address, "GET / HTTP/1.1\r\nX: ").await).status, 408);
    assert_eq!(gateway.get("/api/store/items/hang").send().await.unwrap().status(), 504);
    socket.send(Message::text("still here")).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap(), Message::text("still here"));
}

/// Waits until the flood has stopped because nobody takes it; returns how far it came.
async fn flood_stops(speaker: &Speaker) -> usize {
    let last = Cell::new((0, Instant::now()));
    let stopped = || async {
        let count = speaker.flooded();
        if count != last.get().0 {
            last.set((count, Instant::now()));
        }
        (count > 0 && last.get().1.elapsed() > Duration::from_millis(300)).then_some(count)
    };
    testkit::eventually(Duration::from_secs(20), stopped).await
}

#[tokio::test]
async fn a_slow_reader_slows_the_service_down_and_loses_nothing() {
    let (gateway, speaker) = with_speaker(Options::default()).await;
    let mut socket = open(&gateway, "flood").await;
    let stopped_at = flood_stops(&speaker).await;
    // What the kernel holds for four sockets, not what the gateway does.
    assert!(stopped_at * FLOOD < 64 * 1024 * 1024, "{stopped_at}");
    for _ in 0..stopped_at + 10 {
        assert_eq!(next(&mut socket).await.unwrap().unwrap().len(), FLOOD);
    }
    drop(socket);
    timeout(SOON, speaker.open().wait_for(|open| *open == 0)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reader_that_has_stopped_is_left() {
    let mut options = Options::default();
    options.limits.stall = Duration::from_millis(300);
    let (gateway, speaker) = with_speaker(options).await;
    let _socket = open(&gateway, "flood").await;
    timeout(SOON, speaker.open().wait_for(|open| *open == 1)).await.unwrap().unwrap();
    timeout(SOON, speaker.open().wait_for(|open| *open == 0)).await.unwrap().unwrap();
}
