//! How a stream goes on and how it ends.

use contract::chat::Message;
use reqwest::StatusCode;
use serde_json::json;
use testkit::{Issuer, TestDb, eventually};

use super::client::{Learner, PATIENCE};
use crate::stack::Instance;

#[tokio::test]
async fn every_message_comes_as_it_is_stored_whichever_instance_took_it() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let (here, there) = (Instance::start(&db, &issuer).await, Instance::start(&db, &issuer).await);
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    let (mut stream, last) = mina.ready(&here, room).await;
    assert_eq!(last, 0);
    let mut sent = Vec::new();
    for n in 1..=6 {
        let at = if n % 2 == 0 { &here } else { &there };
        let body = json!({ "content": format!("줄\n바꿈 {n} \u{2028}"), "respond": false });
        sent.push(mina.say(at, room, &body).await);
    }
    for message in sent {
        let event = stream.event().await;
        assert_eq!((&*event.name, event.id), ("message_created", Some(message.sequence_number.to_string())));
        let got: Message = serde_json::from_value(event.data.clone()).unwrap();
        assert_eq!(got.content, message.content);
        let keys = |value: serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(event.data), keys(serde_json::to_value(&message).unwrap()), "as the history says it");
    }
}

#[tokio::test]
async fn a_stream_ends_when_the_room_is_left() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let (here, there) = (Instance::start(&db, &issuer).await, Instance::start(&db, &issuer).await);
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    let (mut stream, _) = mina.ready(&here, room).await;
    let leave = reqwest::Client::new().post(there.url(&format!("/api/chat/chatrooms/{room}/leave")));
    let left = leave.bearer_auth(&mina.token).send().await.unwrap();
    assert_eq!(left.status(), StatusCode::NO_CONTENT);
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    let (juno, other) = Learner::with_room(&db, &issuer).await;
    let ((mut stream, _), (mut kept, _)) =
        (mina.ready(&instance, room).await, juno.ready(&instance, other).await);
    instance.revoke(&mina.claims);
    assert_eq!(stream.next().await, None);
    juno.say(&instance, other, &json!({ "content": "아직", "respond": false })).await;
    assert_eq!(kept.names(1).await, ["message_created 1"]);
}

#[tokio::test]
async fn an_instance_that_stops_says_when_to_come_back_and_ends_its_streams() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let (mut here, there) = (Instance::start(&db, &issuer).await, Instance::start(&db, &issuer).await);
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    let (mut stream, _) = mina.ready(&here, room).await;
    mina.say(&here, room, &json!({ "content": "하나", "respond": false })).await;
    assert_eq!(stream.names(1).await, ["message_created 1"]);
    here.stop().await;
    let events = stream.rest().await;
    let [retry] = &events[..] else { panic!("{events:?}") };
    assert_eq!(retry.name, "retry");
    assert!((300..=1500).contains(&retry.data.as_i64().unwrap()), "{retry:?}");
    mina.say(&there, room, &json!({ "content": "둘", "respond": false })).await;
    let mut on = mina.open_with(&there, room, Some("1")).await;
    assert_eq!(on.names(2).await, ["message", "message_created 2"]);
}

#[tokio::test]
async fn a_client_that_goes_leaves_nothing_behind() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    let (stream, _) = mina.ready(&instance, room).await;
    assert_eq!(instance.state.live.stats().streams, 1);
    drop(stream);
    eventually(PATIENCE, || async { instance.state.live.stats().rooms == 0 }).await;
}

#[tokio::test]
async fn streams_are_no_load_to_be_refused_for() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    let mut streams = Vec::new();
    for _ in 0..300 {
        streams.push(mina.open(&instance, room).await);
    }
    let stats = instance.state.live.stats();
    assert_eq!((stats.rooms, stats.streams), (1, 300));
    mina.say(&instance, room, &json!({ "content": "모두", "respond": false })).await;
    for stream in &mut streams {
        assert_eq!(stream.names(2).await, ["message", "message_created 1"]);
    }
}
