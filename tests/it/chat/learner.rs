//! Learners, who use the system as the web client does.

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::stream::Stream;
use crate::fixture::LIMIT;

/// Bots, which the web client knows by these ids.
pub(super) const FRIEND: &str = "22222222-2222-2222-2222-222222222221";
pub(super) const HONEY: &str = "22222222-2222-2222-2222-222222222222";

#[derive(Clone)]
pub(super) struct Learner {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) client: Client,
    /// Whom the learner asks: the gateway, unless it is said otherwise.
    pub(super) at: String,
}

impl Learner {
    /// The same learner, who asks somebody else.
    pub(super) fn at(&self, base: &str) -> Self {
        Self { at: base.to_owned(), ..self.clone() }
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(super) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub(super) fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.at)).bearer_auth(&self.token)
    }

    /// The learner's room with the friend.
    pub(super) async fn enter(&self) -> Value {
        self.enter_with(FRIEND).await
    }

    async fn enter_with(&self, bot: &str) -> Value {
        let body = json!({ "userId": self.id, "chatbotId": bot, "concept": "friend", "intimacyLevel": 1.6 });
        ok(self.post("/api/chat/chatrooms").json(&body)).await
    }

    /// Its id.
    pub(super) async fn room(&self) -> String {
        self.room_with(FRIEND).await
    }

    pub(super) async fn room_with(&self, bot: &str) -> String {
        self.enter_with(bot).await["id"].as_str().expect("an id").to_owned()
    }

    pub(super) fn sending(&self, room: &str, body: &Value) -> RequestBuilder {
        self.post(&format!("/api/chat/chatrooms/{room}/messages")).json(body)
    }

    /// The stored message.
    pub(super) async fn say(&self, room: &str, content: &str) -> Value {
        ok(self.sending(room, &json!({ "content": content, "senderType": "user" }))).await
    }

    /// The messages that the web client shows after a reload.
    pub(super) async fn history(&self, room: &str) -> Vec<Value> {
        let page = ok(self.get(&format!("/api/chat/chatrooms/{room}/messages?page=0&size=50"))).await;
        assert_eq!(page["last"], true, "{page}");
        page["content"].as_array().expect("messages").clone()
    }

    pub(super) fn stream_of(&self, room: &str) -> RequestBuilder {
        self.get(&format!("/api/chat/stream/{room}?userId={}", self.id)).header("accept", "text/event-stream")
    }

    /// An open stream that has said it is ready.
    pub(super) async fn stream(&self, room: &str) -> Stream {
        Stream::ready(self.stream_of(room)).await.0
    }

    pub(super) async fn stream_after(&self, room: &str, last: i64) -> Stream {
        Stream::ready(self.stream_of(room).header("last-event-id", last)).await.0
    }

    /// Until the bot has answered `said`, by an instance's answer that delivers nothing: that of the room.
    pub(super) async fn answered(&self, room: &str, said: &Value) {
        testkit::eventually(LIMIT, || async {
            let response = self.get(&format!("/api/chat/chatrooms/{room}")).send().await.ok()?;
            // Who asks often is asked to wait.
            let room: Value = response.error_for_status().ok()?.json().await.ok()?;
            (room["lastMessageId"] != said["id"]).then_some(())
        })
        .await;
    }
}

/// What a request that must succeed is answered.
pub(super) async fn ok(request: RequestBuilder) -> Value {
    let response = request.send().await.expect("an answer");
    let (status, body) = (response.status(), response.text().await.expect("a whole answer"));
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap_or_else(|_| panic!("this is no JSON: {body}"))
}

/// Sends a request that must be refused in the form of every error.
pub(super) async fn refused(request: RequestBuilder, status: u16, code: &str) {
    let response = request.send().await.expect("an answer");
    let head = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    assert_eq!(head("access-control-allow-origin"), Some(super::stack::PAGE));
    assert_eq!(head("content-type"), Some("application/problem+json"));
    assert_eq!(response.status(), status);
    let problem: Value = response.json().await.expect("a problem");
    assert_eq!((&problem["errorCode"], &problem["success"]), (&json!(code), &json!(false)), "{problem}");
    assert!(problem["message"].as_str().is_some_and(|message| !message.is_empty()), "{problem}");
}

/// The number that a message has in its room.
pub(super) fn number(message: &Value) -> i64 {
    message["sequenceNumber"].as_i64().unwrap_or_else(|| panic!("no number in {message}"))
}
