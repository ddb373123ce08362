//! Who gets a stream, and what it looks like from outside.

use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::{Issuer, TestDb};
use uuid::Uuid;

use super::client::Learner;
use crate::stack::Instance;

#[tokio::test]
async fn a_stream_answers_at_once_as_proxies_and_browsers_need_it() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    let query = format!("?userId={}", mina.id);
    let request = mina.request(&instance, room, &query).header("accept-encoding", "gzip, br, zstd");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!(header("cache-control"), Some("no-cache"));
    assert_eq!(header("x-accel-buffering"), Some("no"));
    assert_eq!(header("content-encoding"), None);
    assert_eq!(header("content-length"), None);
}

#[tokio::test]
async fn only_the_owner_of_a_room_gets_its_stream() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    let juno = Learner::new(&issuer);
    let refused = async |learner: &Learner, room, query: &str| {
        let answer = learner.request(&instance, room, query).send().await.unwrap();
        let status = answer.status();
        (status, answer.json::<Value>().await.unwrap()["errorCode"].clone())
    };
    assert_eq!(refused(&juno, room, "").await, (StatusCode::FORBIDDEN, json!("A003")));
    let of_juno = format!("?userId={}", juno.id);
    assert_eq!(refused(&mina, room, &of_juno).await, (StatusCode::FORBIDDEN, json!("A003")));
    assert_eq!(refused(&mina, room, "?userId=me").await, (StatusCode::FORBIDDEN, json!("A003")));
    assert_eq!(refused(&mina, Uuid::nil().into(), "").await, (StatusCode::NOT_FOUND, json!("C001")));
    let nobody = reqwest::Client::new().get(instance.url(&format!("/api/chat/stream/{room}")));
    let no_token = nobody.send().await.unwrap();
    assert_eq!(no_token.status(), StatusCode::UNAUTHORIZED);
    sqlx::query("update chat_room set deleted_at = now()").execute(&db.pool()).await.unwrap();
    assert_eq!(refused(&mina, room, "").await, (StatusCode::NOT_FOUND, json!("C001")), "it was left");
}

#[tokio::test]
async fn a_stream_resumes_behind_the_last_id_and_begins_anew_with_one_that_is_none() {
    let (db, issuer) = (TestDb::new("chat_db").await, Issuer::new());
    let instance = Instance::start(&db, &issuer).await;
    let (mina, room) = Learner::with_room(&db, &issuer).await;
    for n in 1..=5 {
        mina.say(&instance, room, &json!({ "content": format!("말 {n}"), "respond": false })).await;
    }
    let mut stream = mina.open_with(&instance, room, Some("3")).await;
    assert_eq!(stream.event().await.data["lastSequence"], 3);
    assert_eq!(stream.names(2).await, ["message_created 4", "message_created 5"]);
    for id in ["6", "-1", "x", ""] {
        let mut stream = mina.open_with(&instance, room, Some(id)).await;
        assert_eq!(stream.event().await.data["lastSequence"], 5, "after {id:?}");
    }
    let query = mina.request(&instance, room, "?lastEventId=4").send().await.unwrap();
    let text = String::from_utf8(query.bytes_stream_first(2).await).unwrap();
    assert!(text.contains("id: 5\n") && !text.contains("id: 4\n"), "{text}");
}

/// Enough of a body to see what it begins with.
trait FirstBytes {
    async fn bytes_stream_first(self, events: usize) -> Vec<u8>;
}

impl FirstBytes for reqwest::Response {
    async fn bytes_stream_first(mut self, events: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.windows(2).filter(|pair| pair == b"\n\n").count() < events {
            bytes.extend_from_slice(&self.chunk().await.unwrap().expect("the stream goes on"));
        }
        bytes
    }
}
