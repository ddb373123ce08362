//! Every stream of a room has all of it, once and in order.

use std::time::Duration;

use contract::chat::ServerFrame;
use serde_json::{Value, json};
use testkit::eventually;
use tokio::time::Instant;

use super::stage::Stage;
use crate::client::{Client, LIMIT};

#[tokio::test]
async fn everything_said_at_either_instance_comes_to_all_streams_in_one_order() {
    let stage = Stage::set().await;
    let (here, there) = (stage.instance().await, stage.instance().await);
    let mut clients = [stage.client(&here).await, stage.client(&here).await, stage.client(&there).await];
    for n in 0..8 {
        for (at, client) in clients.iter_mut().enumerate() {
            client.say(&format!("{at}-{n}"), &format!("{at}-{n}")).await;
        }
    }
    let mut heard = Vec::new();
    for client in &mut clients {
        let mut messages = Vec::new();
        while messages.len() < 24 {
            let frame = client.until("message").await;
            let message = &frame["message"];
            let content = message["content"].as_str().unwrap().to_owned();
            messages.push((message["sequenceNumber"].as_i64().unwrap(), content));
        }
        heard.push(messages);
    }
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0], heard[2]);
    assert_eq!(heard[0].iter().map(|(n, _)| *n).collect::<Vec<_>>(), (1..=24).collect::<Vec<_>>());
    for at in 0..3 {
        let prefix = format!("{at}-");
        let own: Vec<_> = heard[0].iter().filter(|(_, content)| content.starts_with(&prefix)).collect();
        let as_sent: Vec<_> = (0..8).map(|n| format!("{at}-{n}")).collect();
        assert_eq!(
            own.iter().map(|(_, content)| content).collect::<Vec<_>>(),
            as_sent.iter().collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn a_client_goes_on_where_it_was_by_its_address_or_by_a_frame() {
    let stage = Stage::set().await;
    let (here, there) = (stage.instance().await, stage.instance().await);
    let mut writer = stage.client(&here).await;
    for n in 1..=9 {
        writer.say("말", &n.to_string()).await;
    }
    assert_eq!(writer.sequences(9).await, (1..=9).collect::<Vec<_>>());
    let mut by_address = stage.client_after(&there, 4).await;
    assert_eq!(by_address.sequences(5).await, [5, 6, 7, 8, 9]);
    let mut by_frame = Client::open(&there, &format!("/ws/chat/{}", stage.room), &stage.token).await;
    assert_eq!(by_frame.next().await, json!({ "type": "ready", "lastSequence": 9 }));
    by_frame.send(json!({ "type": "resume", "after": 7 })).await;
    assert_eq!(by_frame.sequences(2).await, [8, 9]);
    // Nobody has got what does not exist: the next message comes all the same.
    by_frame.send(json!({ "type": "resume", "after": 99 })).await;
    by_frame.say("열", "10").await;
    assert_eq!(by_frame.sequences(1).await, [10]);
    let path = format!("/ws/chat/{}?after=99", stage.room);
    let mut ahead = Client::open(&there, &path, &stage.token).await;
    assert_eq!(ahead.next().await, json!({ "type": "ready", "lastSequence": 10 }));
}

#[tokio::test]
async fn the_bots_answer_comes_with_its_metadata_and_counts_as_delivered() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let mut client = stage.client(&instance).await;
    client.send(json!({ "type": "send", "content": "안녕하세요", "clientMessageId": "q" })).await;
    let mut types = Vec::new();
    let reply = loop {
        let frame = client.next().await;
        types.push(frame["type"].as_str().unwrap().to_owned());
        if frame["message"]["senderType"] == "bot" {
            break frame;
        }
    };
    assert!(types.iter().any(|kind| kind == "ack"), "the sender knew before: {types:?}");
    assert_eq!(reply["message"]["sequenceNumber"], 2);
    let frame: ServerFrame = serde_json::from_value(reply).expect("clients in Rust can read it, too");
    let ServerFrame::Message { message } = frame else { panic!("a message") };
    assert!(message.reply().is_some(), "{message:?}");
    eventually(LIMIT, || async { owed(&stage).await == 0 }).await;
}

async fn owed(stage: &Stage) -> i64 {
    sqlx::query_scalar("select count(*) from turn where delivered_at is null")
        .fetch_one(&stage.db)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_answer_waits_for_a_fresh_connection_and_stays_owed_to_one_that_leaves_at_once() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let mut asking = stage.client(&instance).await;
    asking.send(json!({ "type": "send", "content": "안녕하세요" })).await;
    assert_eq!(asking.until("ack").await["clientMessageId"], Value::Null);
    drop(asking);
    stage.deserted().await;
    eventually(LIMIT, || async {
        let answered: i64 =
            sqlx::query_scalar("select last_seq from chat_room").fetch_one(&stage.db).await.unwrap();
        answered == 2
    })
    .await;
    let before = Instant::now();
    let mut late = stage.client_after(&instance, 0).await;
    assert_eq!(late.sequences(2).await, [1, 2]);
    assert!(before.elapsed() >= Duration::from_millis(300), "before that it may be lost on the client");
    drop(late);
    stage.deserted().await;
    assert_eq!(owed(&stage).await, 1);
}
