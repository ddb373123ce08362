//! A gateway that stops takes leave of whoever speaks over it.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::fixture::{Bare, FLOOD, Gateway, Options, Socket, rest, speak, with_speaker};

const SOON: Duration = Duration::from_secs(5);

async fn open(gateway: &Gateway, part: &str) -> Socket {
    speak(gateway.address, &format!("/ws/chat/{part}"), &[]).await.unwrap().0
}

async fn next(socket: &mut Socket) -> Option<Result<Message, Error>> {
    timeout(SOON, socket.next()).await.expect("something comes soon")
}

#[tokio::test]
async fn a_gateway_that_stops_says_goodbye_to_both_sides() {
    let (mut gateway, speaker) = with_speaker(Options::default()).await;
    let mut closes = speaker.closes();
    let mut socket = open(&gateway, "greeter").await;
    next(&mut socket).await.unwrap().unwrap();
    let farewell = async {
        let Message::Close(Some(frame)) = next(&mut socket).await.unwrap().unwrap() else {
            panic!("the gateway closes");
        };
        while next(&mut socket).await.is_some() {}
        u16::from(frame.code)
    };
    let (stopped, code) = timeout(SOON, async { tokio::join!(gateway.stop(), farewell) }).await.unwrap();
    stopped.unwrap();
    assert_eq!(code, 1012);
    closes.wait_for(|closes| *closes == [Some(1012)]).await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_stops_says_so_in_the_middle_of_a_flood() {
    let (mut gateway, _speaker) = with_speaker(Options::default()).await;
    let mut socket = open(&gateway, "flood").await;
    let platform = gateway.platform.clone();
    let farewell = async {
        let mut whole = 0;
        loop {
            match next(&mut socket).await.unwrap().unwrap() {
                Message::Close(frame) => break u16::from(frame.unwrap().code),
                message => assert_eq!(message.len(), FLOOD, "message {whole}"),
            }
            whole += 1;
            if whole == 100 {
                platform.drain().begin();
            }
        }
    };
    assert_eq!(timeout(SOON, farewell).await.unwrap(), 1012);
    drop(socket);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_stops_lets_a_frame_end_first_and_sends_nothing_behind_its_goodbye() {
    let mut bare = Bare::open(Options::default()).await;
    bare.service.write_all(b"\x82\x06abc").await.unwrap();
    let mut part = [0; 5];
    timeout(SOON, bare.client.read_exact(&mut part)).await.unwrap().unwrap();
    bare.gateway.platform.drain().begin();
    bare.service.write_all(b"def\x81\x05never").await.unwrap();
    let last = rest(&mut bare.client).await;
    assert_eq!(&last[..7], b"def\x88\x12\x03\xf4");
    assert_eq!(last.len(), 3 + 2 + 0x12);
    bare.client.write_all(b"\x88\x80mask").await.unwrap();
    drop(bare.client);
    assert_eq!(rest(&mut bare.service).await, b"\x88\x80mask");
    bare.gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_stops_leaves_the_goodbye_to_a_service_that_said_it() {
    let mut bare = Bare::open(Options::default()).await;
    bare.service.write_all(b"\x88\x02\x03\xe8").await.unwrap();
    let mut close = [0; 4];
    timeout(SOON, bare.client.read_exact(&mut close)).await.unwrap().unwrap();
    let (stopped, rest) = tokio::join!(bare.gateway.stop(), rest(&mut bare.client));
    stopped.unwrap();
    assert!(rest.is_empty(), "one goodbye is enough: {rest:?}");
}
