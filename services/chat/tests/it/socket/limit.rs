//! What a connection may not do.

use std::time::Duration;

use chat::socket::Timing;
use chat::socket::presence::Pace;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use testkit::eventually;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

use super::stage::{FAST, Stage};
use crate::client::LIMIT;

#[tokio::test]
async fn binary_frames_are_refused_by_the_end() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let mut client = stage.client(&instance).await;
    client.packet(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(client.close_code().await, Some(1003));
}

#[tokio::test]
async fn a_frame_that_is_too_big_is_the_end() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    for size in [64 * 1024 + 1, 200 * 1024] {
        let mut client = stage.client(&instance).await;
        client.text(&"x".repeat(size)).await;
        assert_eq!(client.close_code().await, Some(1009), "{size}");
    }
    // So big that nobody reads it to its end: the connection is over all the same.
    let mut client = stage.client(&instance).await;
    let _ = client.socket.send(Message::text("x".repeat(8 * 1024 * 1024))).await;
    assert!(matches!(client.close_code().await, None | Some(1009)));
    let mut client = stage.client(&instance).await;
    client.text(&"x".repeat(64 * 1024)).await;
    assert_eq!(client.until("error").await["errorCode"], "E002", "read, but no JSON");
    drop(client);
    stage.deserted().await;
}

#[tokio::test]
async fn what_breaks_the_protocol_is_the_end() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    // Masked with zeros: text that is not UTF-8, an operation that nobody knows.
    for (bytes, code) in [(&[0x81, 0x81, 0, 0, 0, 0, 0xff][..], 1007), (&[0x83, 0x80, 0, 0, 0, 0], 1002)] {
        let mut client = stage.client(&instance).await;
        let MaybeTlsStream::Plain(tcp) = client.socket.get_mut() else { panic!("no TLS here") };
        tcp.write_all(bytes).await.unwrap();
        assert_eq!(client.close_code().await, Some(code));
    }
    stage.deserted().await;
}

#[tokio::test]
async fn who_says_too_much_is_told_and_who_does_not_listen_is_cut() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let mut client = stage.client(&instance).await;
    for n in 0..40 {
        client.send(json!({ "type": "send", "content": "", "clientMessageId": n.to_string() })).await;
    }
    let mut codes = Vec::new();
    for _ in 0..40 {
        let error = client.until("error").await;
        codes.push(error["errorCode"].as_str().unwrap().to_owned());
    }
    assert!(codes[..30].iter().all(|code| code == "E003"), "a burst passes: {codes:?}");
    assert!(codes.iter().any(|code| code == "G001"), "{codes:?}");
    let (mut sink, mut stream) = client.socket.split();
    let flood =
        async { while sink.send(Message::text(r#"{"type":"typing","typing":true}"#)).await.is_ok() {} };
    let cut = async {
        loop {
            match stream.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    };
    // The flood may break the connection before the farewell is through.
    let code = tokio::time::timeout(LIMIT, async { tokio::join!(flood, cut).1 }).await.unwrap();
    assert!(matches!(code, None | Some(1008)), "{code:?}");
    stage.deserted().await;
}

#[tokio::test]
async fn a_client_without_a_sign_of_life_is_left_and_one_that_answers_pings_is_not() {
    let stage = Stage::set().await;
    let timing = Timing {
        ping: Duration::from_millis(100),
        idle: Duration::from_millis(600),
        stall: Duration::from_secs(20),
    };
    let instance = stage.instance_with(timing, FAST).await;
    let silent = stage.client(&instance).await;
    let mut alive = stage.client(&instance).await;
    // Reading answers pings; a client that does not read has nothing to say.
    let mut pings = 0;
    let talk = async {
        while pings < 12 {
            if let Message::Ping(_) = alive.socket.next().await.unwrap().unwrap() {
                pings += 1;
            }
        }
    };
    tokio::time::timeout(LIMIT, talk).await.unwrap();
    eventually(LIMIT, || async { stage.connections().await <= 1 }).await;
    alive.say("있어요", "here").await;
    alive.until("ack").await;
    drop(silent);
}

#[tokio::test]
async fn who_does_not_read_is_closed_and_leaves_nothing_behind() {
    let stage = Stage::set().await;
    let timing = Timing { stall: Duration::from_millis(500), ..Timing::default() };
    let (slow, other) = (stage.instance_with(timing, FAST).await, stage.instance().await);
    let sleeper = stage.client(&slow).await;
    eventually(LIMIT, || async { stage.connections().await == 1 }).await;
    // More than all buffers between the two hold.
    sqlx::query(
        "with filled as (
           insert into message (room_id, seq, id, sender_type, sender_id, content)
           select $1, n, gen_random_uuid(), 'user', $2, repeat('가', 9000) from generate_series(1, 800) n
         )
         update chat_room set last_seq = 800 where id = $1",
    )
    .bind(stage.room.as_uuid())
    .bind(stage.user.as_uuid())
    .execute(&stage.db)
    .await
    .unwrap();
    let mut reader = stage.client_after(&other, 0).await;
    assert_eq!(reader.sequences(800).await, (1..=800).collect::<Vec<_>>());
    drop(reader);
    stage.deserted().await;
    drop(sleeper);
}

#[tokio::test]
async fn a_database_that_is_away_ends_no_connection() {
    let stage = Stage::set().await;
    let pace = Pace { beat: Duration::from_millis(100), ..FAST };
    let instance = stage.instance_with(Timing::default(), pace).await;
    let mut client = stage.client(&instance).await;
    eventually(LIMIT, || async { stage.connections().await == 1 }).await;
    let admin = sqlx::PgPool::connect_with(stage.database.superuser()).await.unwrap();
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and usename like '%_app' and pid <> pg_backend_pid()";
    for round in 0..5 {
        sqlx::query(cut).execute(&admin).await.unwrap();
        client.say("말", &format!("m-{round}")).await;
        // Stored, or not and told so: then it is sent again.
        loop {
            let frame = client.next().await;
            match frame["type"].as_str().unwrap() {
                "ack" => break,
                "error" => client.say("말", &format!("m-{round}")).await,
                _ => {}
            }
        }
    }
    let mut reader = stage.client_after(&instance, 0).await;
    assert_eq!(reader.sequences(5).await, [1, 2, 3, 4, 5]);
    eventually(LIMIT, || async { stage.connections().await == 2 }).await;
}
