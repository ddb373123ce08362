//! Turns over a stream: in order, owed until somebody got them, whole after a cut.

use contract::chat::SenderType;
use contract::id::RoomId;
use serde_json::json;
use sqlx::PgPool;
use testkit::{Issuer, TestDb, eventually};
use tokio::time::Instant;

use super::client::{Learner, PATIENCE, Stream};
use crate::stack::Instance;

const TURN: [&str; 3] = ["intimacy_analysis", "vocabulary_extracted", "conversation_complete"];

/// Turns of the room that ended, and how many of them nobody is known to have got.
async fn turns(db: &PgPool, room: RoomId) -> (i64, i64) {
    sqlx::query_as(
        "select count(*), count(*) filter (where delivered_at is null)
         from turn where room_id = $1 and state = 'DONE'",
    )
    .bind(room.as_uuid())
    .fetch_one(db)
    .await
    .unwrap()
}

/// The events of one turn, without and with the message.
async fn a_turn(stream: &mut Stream, seq: Option<i64>) {
    let names = stream.names(if seq.is_some() { 4 } else { 3 }).await;
    assert_eq!(names[..3], TURN);
    if let Some(seq) = seq {
        assert_eq!(names[3], format!("message_created {seq}"));
    }
}

#[tokio::test]
async fn a_turn_comes_in_order_and_looks_after_a_reload_as_it_did_live() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    let (mut stream, _) = mina.ready(&instance, room).await;
    let said = mina.say(&instance, room, &json!({ "content": "안녕하세요" })).await;
    let events = [
        stream.event().await,
        stream.event().await,
        stream.event().await,
        stream.event().await,
        stream.event().await,
    ];
    assert_eq!(
        events.each_ref().map(|event| &*event.name),
        ["message_created", TURN[0], TURN[1], TURN[2], "message_created"]
    );
    assert_eq!(events.each_ref().map(|event| event.id.as_deref()), [Some("1"), None, None, None, Some("2")]);
    assert_eq!(events[0].data["id"], json!(said.id));
    let stored = mina.history(&instance, room).await.pop().unwrap();
    let metadata = serde_json::to_value(stored.reply().expect("it is a reply")).unwrap();
    assert_eq!(metadata["userMessageAnalysis"]["intimacy"], events[1].data);
    assert_eq!(metadata["botResponseAnalysis"]["vocabulary"], events[2].data);
    assert_eq!(events[3].data, json!({ "messageId": stored.id, "content": stored.content }));
    assert_eq!(events[4].data["metadata"], metadata);
    assert_eq!(metadata["userMessageAnalysis"]["userMessageId"], json!(said.id));
}

#[tokio::test]
async fn a_turn_is_owed_until_a_stream_that_got_it_has_lived_on() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    mina.say(&instance, room, &json!({ "content": "안녕하세요" })).await;
    eventually(PATIENCE, || async { turns(&db.pool(), room).await == (1, 1) }).await;
    // Each stream gets it, as long as none has lived for two seconds more.
    for _ in 0..2 {
        let opened = Instant::now();
        let (mut stream, last) = mina.ready(&instance, room).await;
        assert_eq!(last, 2);
        a_turn(&mut stream, None).await;
        assert!(opened.elapsed().as_millis() >= 300, "not before the stream has settled");
    }
    assert_eq!(turns(&db.pool(), room).await, (1, 1));
    let (mut stream, _) = mina.ready(&instance, room).await;
    a_turn(&mut stream, None).await;
    eventually(PATIENCE, || async { turns(&db.pool(), room).await == (1, 0) }).await;
    drop(stream);
    let (mut stream, _) = mina.ready(&instance, room).await;
    mina.say(&instance, room, &json!({ "content": "그리고", "respond": false })).await;
    assert_eq!(stream.names(1).await, ["message_created 3"], "it is no longer owed");
}

#[tokio::test]
async fn a_turn_that_was_read_in_the_history_is_no_longer_owed() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    mina.say(&instance, room, &json!({ "content": "안녕하세요" })).await;
    eventually(PATIENCE, || async { turns(&db.pool(), room).await == (1, 1) }).await;
    assert_eq!(mina.history(&instance, room).await.len(), 2);
    assert_eq!(turns(&db.pool(), room).await, (1, 0));
}

#[tokio::test]
async fn a_stream_that_is_cut_inside_a_turn_gets_it_whole_at_another_instance() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let (mut here, there) = (Instance::start(&db, &issuer).await, Instance::start(&db, &issuer).await);
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    let (mut stream, _) = mina.ready(&here, room).await;
    mina.say(&there, room, &json!({ "content": "안녕하세요" })).await;
    assert_eq!(stream.names(2).await, ["message_created 1", TURN[0]]);
    here.kill();
    let mut on = mina.open_with(&there, room, Some("1")).await;
    assert_eq!(on.event().await.data["lastSequence"], 1);
    a_turn(&mut on, Some(2)).await;
    // The web client knows no last id: the turn is owed to it.
    let (mut fresh, last) = mina.ready(&there, room).await;
    assert_eq!(last, 2);
    a_turn(&mut fresh, None).await;
}

#[tokio::test]
async fn a_stream_that_is_opened_late_gets_the_turn_and_what_follows_once() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    for turn in 1..=3 {
        mina.say(&instance, room, &json!({ "content": format!("안녕 {turn}") })).await;
        eventually(PATIENCE, || async { turns(&db.pool(), room).await.0 == turn }).await;
    }
    let (mut stream, last) = mina.ready(&instance, room).await;
    assert_eq!(last, 6);
    for _ in 0..3 {
        a_turn(&mut stream, None).await;
    }
    mina.say(&instance, room, &json!({ "content": "또" })).await;
    assert_eq!(stream.names(1).await, ["message_created 7"]);
    a_turn(&mut stream, Some(8)).await;
    eventually(PATIENCE, || async { turns(&db.pool(), room).await == (4, 0) }).await;
}

#[tokio::test]
async fn only_the_turns_that_were_sent_are_no_longer_owed() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    for turn in 1..=3 {
        mina.say(&instance, room, &json!({ "content": format!("안녕 {turn}") })).await;
        eventually(PATIENCE, || async { turns(&db.pool(), room).await.0 == turn }).await;
    }
    instance.state.live.delivered(room, vec![2, 6]);
    eventually(PATIENCE, || async { turns(&db.pool(), room).await == (3, 1) }).await;
    let owed: i64 =
        sqlx::query_scalar("select user_message_seq from turn where room_id = $1 and delivered_at is null")
            .bind(room.as_uuid())
            .fetch_one(&db.pool())
            .await
            .unwrap();
    assert_eq!(owed, 3);
}

#[tokio::test]
async fn a_new_room_greets_its_first_stream_and_not_one_that_resumes() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    sqlx::query(
        "with room as (update chat_room set last_seq = 2 where id = $1 returning chatbot_id)
         insert into message (room_id, seq, id, sender_type, sender_id, content)
         select $1, 1, gen_random_uuid(), 'bot', room.chatbot_id, '안녕하세요' from room
         union all
         select $1, 2, gen_random_uuid(), 'system', null, 'Write in Korean.'",
    )
    .bind(room.as_uuid())
    .execute(&db.pool())
    .await
    .unwrap();
    let (mut stream, last) = mina.ready(&instance, room).await;
    assert_eq!(last, 2);
    let (greeting, guide) = (stream.event().await, stream.event().await);
    assert_eq!((&*greeting.name, &*guide.name), ("greeting_bot_message", "greeting_guide_message"));
    let history = mina.history(&instance, room).await;
    for (event, message) in [(greeting, &history[0]), (guide, &history[1])] {
        let expected = json!({
            "messageId": message.id, "content": message.content, "senderType": message.sender_type,
            "timestamp": serde_json::to_value(message).unwrap()["createdAt"],
        });
        assert_eq!((event.data, event.id), (expected, None));
    }
    assert_eq!(history[0].sender_type, SenderType::Bot);
    let mut resumed = mina.open_with(&instance, room, Some("2")).await;
    assert_eq!(resumed.event().await.data["lastSequence"], 2);
    mina.say(&instance, room, &json!({ "content": "네", "respond": false })).await;
    assert_eq!(resumed.names(1).await, ["message_created 3"]);
    let (mut later, _) = mina.ready(&instance, room).await;
    mina.say(&instance, room, &json!({ "content": "네네", "respond": false })).await;
    assert_eq!(later.names(1).await, ["message_created 4"], "its user has spoken");
}
