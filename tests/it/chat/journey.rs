//! What the web client does from the first room to the second, and what it must be refused.

use reqwest::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY,
};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::archive;
use super::learner::{FRIEND, Learner, ok, refused};
use super::stack::{PAGE, Stack};
use super::stream::{Stream, keys};
use super::turn::{Turn, check_message, message, whole};
use crate::fixture::LIMIT;

/// No room has this id.
const UNKNOWN: &str = "01931f0e-7c5a-7000-8000-0123456789ab";

pub(super) async fn from_the_first_room_to_the_second(stack: &Stack) {
    let learner = stack.learner("journey").await;
    let interactions = "/api/chat/chatrooms/last-interactions?limit=4";
    assert_eq!(ok(learner.get(interactions)).await, json!([]));
    let room = learner.enter().await;
    check_room(&room, &learner);
    assert_eq!(learner.enter().await["id"], room["id"], "it is entered, not made, a second time");
    let id = room["id"].as_str().expect("an id");
    let [greeting, guide] = opening(&learner, id).await;

    let (mut stream, last) = Stream::ready(encoded(learner.stream_of(id))).await;
    assert_eq!(last, 2);
    check_head(&stream);
    for (name, said) in [("greeting_bot_message", &greeting), ("greeting_guide_message", &guide)] {
        let event = stream.expect(name).await;
        let expected = json!({
            "messageId": said["id"], "content": said["content"], "senderType": said["senderType"],
            "timestamp": said["createdAt"],
        });
        assert_eq!((event.id, event.data), (None, expected));
    }

    let said = says_before_it_is_answered(&learner, id, &mut stream).await;
    let again = learner.say(id, "저는 한국어를 공부해").await;
    let other_reply = whole(&mut stream, &again).await;
    let history = learner.history(id).await;
    assert_eq!(history[..2], [greeting, guide], "the beginning stays as it was");
    assert_eq!(history[2..4], said);
    assert_eq!(history[4..], [again.clone(), other_reply], "a reload shows what came live");
    let archive = archive::keeps_what_was_said(&learner, &room, &history).await;
    let newest = json!([{
        "chatbotId": FRIEND, "lastRoomId": id, "lastInteractionAt": again["createdAt"],
        "chatbotName": ok(learner.get(interactions)).await[0]["chatbotName"],
    }]);
    assert_eq!(ok(learner.get(interactions)).await, newest);

    for _ in 0..2 {
        // As the web client leaves: without a body, and without saying what it would be.
        let left = learner.post(&format!("/api/chat/chatrooms/{id}/leave")).send().await.expect("an answer");
        assert_eq!(left.status(), StatusCode::NO_CONTENT);
    }
    stream.ends().await;
    refused(learner.get(&format!("/api/chat/chatrooms/{id}")), 404, "C001").await;
    refused(learner.stream_of(id), 404, "C001").await;
    assert_eq!(ok(learner.get(interactions)).await, newest, "what was talked is remembered");
    archive.outlives_the_room_until_it_is_emptied(&learner, &stack.learner("curious").await).await;
    let second = learner.enter().await;
    check_room(&second, &learner);
    assert_ne!(second["id"], room["id"]);
    opening(&learner, second["id"].as_str().expect("an id")).await;
    let remembered = ok(learner.get(interactions)).await;
    assert_eq!(remembered.as_array().map(Vec::len), Some(1), "one bot, one item: {remembered}");
}

fn check_room(room: &Value, learner: &Learner) {
    let all = [
        "chatbotId",
        "concept",
        "createdAt",
        "description",
        "id",
        "intimacyLevel",
        "isArchived",
        "isDeleted",
        "lastMessageAt",
        "lastMessageId",
        "name",
        "updatedAt",
        "userId",
    ];
    assert_eq!(keys(room), all);
    assert_eq!((&room["userId"], &room["chatbotId"]), (&json!(learner.id), &json!(FRIEND)));
    assert_eq!((&room["concept"], &room["intimacyLevel"]), (&json!("FRIEND"), &json!(2)));
}

/// What a new room begins with, as the history shows it.
async fn opening(learner: &Learner, room: &str) -> [Value; 2] {
    let history: [Value; 2] = learner.history(room).await.try_into().expect("a greeting and a guide");
    for (message, (number, sender)) in history.iter().zip([(1, "bot"), (2, "system")]) {
        check_message(message);
        assert_eq!((&message["sequenceNumber"], &message["senderType"]), (&json!(number), &json!(sender)));
        assert_eq!(message["metadata"], Value::Null);
        assert!(message["content"].as_str().is_some_and(|content| !content.is_empty()), "{message}");
    }
    history
}

/// What a browser sends with everything.
fn encoded(request: RequestBuilder) -> RequestBuilder {
    request.header(ACCEPT_ENCODING, "gzip, deflate, br, zstd")
}

fn check_head(stream: &Stream) {
    let head = |name| stream.headers().get(&name).map(|value| value.to_str().expect("text"));
    assert_eq!(head(CONTENT_TYPE), Some("text/event-stream"));
    assert!(head(CACHE_CONTROL).is_some_and(|value| value.contains("no-cache")), "{:?}", stream.headers());
    assert_eq!(head(CONTENT_ENCODING), None);
    assert_eq!(head(ACCESS_CONTROL_ALLOW_ORIGIN), Some(PAGE));
    assert!(head(VARY).is_some_and(|value| value.to_ascii_lowercase().contains("origin")));
}

/// The message and its answer, of which nothing arrives before the sender knows that the message is stored: the web
/// client would drop it.
async fn says_before_it_is_answered(learner: &Learner, room: &str, stream: &mut Stream) -> [Value; 2] {
    let mut saying = std::pin::pin!(learner.say(room, "안녕하세요. 만나서 반갑습니다."));
    let mut created = None;
    let said = loop {
        tokio::select! {
            // Of two that have arrived, the answer to the request is looked at first, on the same thread that reads
            // both: an event is first only if it came first.
            biased;
            said = &mut saying => break said,
            message = message(stream) => assert!(created.replace(message).is_none(), "one message, one event"),
        }
    };
    let created = match created {
        Some(created) => created,
        None => message(stream).await,
    };
    check_message(&said);
    assert_eq!(created, said);
    assert_eq!((&said["sequenceNumber"], &said["metadata"]), (&json!(3), &Value::Null));
    assert_eq!((&said["senderType"], &said["senderId"]), (&json!("user"), &json!(learner.id)));
    let turn = Turn::read(stream).await;
    let reply = message(stream).await;
    turn.assert_answers(&said, &reply);
    assert_eq!(reply["senderId"], FRIEND);
    [said, reply]
}

pub(super) async fn mistakes_are_refused(stack: &Stack) {
    let learner = stack.learner("mistaken").await;
    let room = learner.room().await;
    let stranger = stack.learner("stranger").await;
    refused(learner.get(&format!("/api/chat/stream/{room}?userId={}", stranger.id)), 403, "A003").await;
    refused(stranger.stream_of(&room), 403, "A003").await;
    refused(stranger.get(&format!("/api/chat/chatrooms/{room}/messages")), 403, "A003").await;
    refused(stranger.sending(&room, &json!({ "content": "안녕" })), 403, "A003").await;
    refused(stranger.post(&format!("/api/chat/chatrooms/{room}/leave")), 403, "A003").await;
    refused(learner.stream_of(UNKNOWN), 404, "C001").await;
    refused(learner.sending(UNKNOWN, &json!({ "content": "안녕" })), 404, "C001").await;
    refused(learner.sending(&room, &json!({ "content": "" })), 400, "E003").await;
    refused(learner.sending(&room, &json!({ "content": "가".repeat(10_001) })), 400, "E003").await;
    let nobody = Learner { token: "eyJhbGciOiJFUzI1NiJ9.e30.c2ln".to_owned(), ..learner.clone() };
    refused(nobody.stream_of(&room), 401, "A002").await;

    // A room that was talked in greets nobody.
    ok(learner.sending(&room, &json!({ "content": "안녕", "respond": false }))).await;
    let mut streams = [learner.stream(&room).await, learner.at(&stack.instances[1]).stream(&room).await];
    ok(learner.post("/api/auth/logout")).await;
    for stream in &mut streams {
        stream.ends().await;
    }
    // The gateway hears of it at its own time, within a second.
    testkit::eventually(LIMIT, async || {
        let response = learner.stream_of(&room).send().await.expect("an answer");
        response.status() == StatusCode::UNAUTHORIZED
    })
    .await;
    refused(learner.stream_of(&room), 401, "A002").await;
    refused(learner.sending(&room, &json!({ "content": "안녕" })), 401, "A002").await;
}
