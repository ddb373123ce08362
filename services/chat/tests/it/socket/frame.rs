//! What clients say, and what they are answered.

use serde_json::{Value, json};
use testkit::eventually;

use super::stage::Stage;
use crate::client::{Client, LIMIT};

async fn error(client: &mut Client) -> Value {
    client.until("error").await
}

#[tokio::test]
async fn what_is_sent_is_acknowledged_with_its_name_and_comes_back_as_a_message() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let mut client = stage.client(&instance).await;
    client.say("안녕하세요", "m-1").await;
    let (mut ack, mut message) = (Value::Null, Value::Null);
    while ack.is_null() || message.is_null() {
        let frame = client.next().await;
        match frame["type"].as_str().unwrap() {
            "ack" => ack = frame,
            "message" => message = frame,
            _ => {}
        }
    }
    assert_eq!(ack["clientMessageId"], "m-1");
    assert_eq!(ack["message"], message["message"]);
    assert_eq!(message["message"]["content"], "안녕하세요");
    assert_eq!(message["message"]["senderId"], stage.user.to_string());
    assert_eq!(message["message"]["metadata"], Value::Null);
}

#[tokio::test]
async fn a_resend_is_acknowledged_with_the_message_that_is_there_and_comes_once() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let mut client = stage.client(&instance).await;
    client.say("한 번", "same").await;
    let first = client.until("ack").await;
    client.say("한 번", "same").await;
    client.say("끝", "end").await;
    assert_eq!(client.until("ack").await["message"]["id"], first["message"]["id"]);
    let mut again = stage.client_after(&instance, 0).await;
    assert_eq!(again.sequences(2).await, [1, 2]);
}

#[tokio::test]
async fn a_bad_frame_is_answered_by_an_error_and_the_connection_stays() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let mut client = stage.client(&instance).await;
    for (text, code, name) in [
        ("{", "E002", Value::Null),
        (r#"{"type":"shout"}"#, "E002", Value::Null),
        (r#"{"type":"send","clientMessageId":"n"}"#, "E002", json!("n")),
        (r#"{"type":"send","content":"","clientMessageId":"n"}"#, "E003", json!("n")),
        (r#"{"type":"send","content":"nul\u0000","clientMessageId":"n"}"#, "E003", json!("n")),
        (r#"{"type":"send","content":"a","contentType":"system"}"#, "E003", Value::Null),
        (r#"{"type":"read","sequence":-1}"#, "E003", Value::Null),
        (r#"{"type":"resume","after":-1}"#, "E003", Value::Null),
    ] {
        client.text(text).await;
        let error = error(&mut client).await;
        assert_eq!((&error["errorCode"], &error["clientMessageId"]), (&json!(code), &name), "{text}");
        assert_ne!(error["message"], "");
    }
    let long = "가".repeat(10_001);
    client.say(&long, "long").await;
    let error = error(&mut client).await;
    assert_eq!(error["clientMessageId"], "long");
    assert_eq!(error["message"], "내용은 1자 이상 10000자 이하여야 합니다.");
    client.say("괜찮아요", "fine").await;
    assert_eq!(client.until("ack").await["message"]["sequenceNumber"], 1);
}

#[tokio::test]
async fn errors_are_in_the_language_that_was_asked_for() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let headers =
        [("authorization", format!("Bearer {}", stage.token)), ("accept-language", "en-US".to_owned())];
    let path = format!("/ws/chat/{}", stage.room);
    let mut client = Client::try_open(&instance, &path, &headers).await.unwrap();
    client.say("", "n").await;
    assert_eq!(error(&mut client).await["message"], "A message has 1 to 10000 characters.");
}

#[tokio::test]
async fn a_mark_goes_forward_only_and_not_beyond_what_is_there() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let mut client = stage.client(&instance).await;
    let mark = async || {
        sqlx::query_scalar::<_, i64>("select seq from read_mark").fetch_optional(&stage.db).await.unwrap()
    };
    client.send(json!({ "type": "read", "sequence": 5 })).await;
    for n in 0..3 {
        client.say("말", &n.to_string()).await;
    }
    client.sequences(3).await;
    assert_eq!(mark().await, None, "nothing was there to be read");
    for (sequence, expected) in [(2, 2), (1, 2), (99, 3)] {
        client.send(json!({ "type": "read", "sequence": sequence })).await;
        // Frames are taken in order, so this one's answer comes behind the mark.
        client.text("{").await;
        error(&mut client).await;
        assert_eq!(mark().await, Some(expected));
    }
}

#[tokio::test]
async fn what_was_taken_is_stored_even_if_its_sender_goes_at_once() {
    let stage = Stage::set().await;
    let instance = stage.instance().await;
    let mut client = stage.client(&instance).await;
    for n in 0..20 {
        client.say(&format!("말 {n}"), &n.to_string()).await;
    }
    client.socket.close(None).await.unwrap();
    eventually(LIMIT, || async {
        let contents: Vec<String> = sqlx::query_scalar("select content from message order by seq")
            .fetch_all(&stage.db)
            .await
            .unwrap();
        contents == (0..20).map(|n| format!("말 {n}")).collect::<Vec<_>>()
    })
    .await;
    stage.deserted().await;
}
