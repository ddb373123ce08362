//! A client that reads events as the HTML standard says, and learners in front of instances.

use std::time::Duration;

use contract::chat::Message;
use contract::id::{RoomId, UserId};
use contract::user::Role;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use testkit::{Issuer, TestDb, access_claims};
use tokio::time::timeout;

use crate::stack::{Instance, room};

/// Far above what anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One event, or a comment with the name `:`, or a time to reconnect with the name `retry`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

/// A stream under way.
pub(crate) struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    /// The next one; `None` at the end of the body.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                return Some(parse(block.trim_end()));
            }
            let piece =
                timeout(PATIENCE, self.response.chunk()).await.expect("something is sent").unwrap()?;
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// The next one that is not a comment.
    pub(crate) async fn event(&mut self) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name != ":" {
                return event;
            }
        }
    }

    /// The next events, as names, with the ids of those that have one.
    pub(crate) async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        while names.len() < count {
            let event = self.event().await;
            names.push(event.id.map_or(event.name.clone(), |id| format!("{} {id}", event.name)));
        }
        names
    }

    /// Reads to the end, and gives what came.
    pub(crate) async fn rest(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event { name: "message".to_owned(), ..Event::default() };
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => event = Event { name: ":".to_owned(), data: value.into(), ..Event::default() },
            "event" => value.clone_into(&mut event.name),
            "id" => event.id = Some(value.to_owned()),
            "data" => event.data = serde_json::from_str(value).expect("data is JSON"),
            "retry" => {
                event = Event { name: "retry".to_owned(), data: value.parse().unwrap(), ..Event::default() }
            }
            other => panic!("no such field: {other}"),
        }
    }
    event
}

/// A learner with a room, and what they ask instances for.
pub(crate) struct Learner {
    pub(crate) id: UserId,
    pub(crate) claims: contract::claims::AccessClaims,
    pub(crate) token: String,
    http: reqwest::Client,
}

impl Learner {
    pub(crate) fn new(issuer: &Issuer) -> Self {
        let id = chassis::fresh_id();
        let claims = access_claims(id, Role::User);
        Self { id, token: issuer.sign(&claims), claims, http: reqwest::Client::new() }
    }

    /// With a room of their own, as it is in the database.
    pub(crate) async fn with_room(db: &TestDb, issuer: &Issuer) -> (Self, RoomId) {
        let learner = Self::new(issuer);
        let room = room(&db.pool(), learner.id).await;
        (learner, room)
    }

    pub(crate) fn request(&self, at: &Instance, room: RoomId, query: &str) -> RequestBuilder {
        self.http.get(at.url(&format!("/api/chat/stream/{room}{query}"))).bearer_auth(&self.token)
    }

    pub(crate) async fn open(&self, at: &Instance, room: RoomId) -> Stream {
        self.open_with(at, room, None).await
    }

    pub(crate) async fn open_with(&self, at: &Instance, room: RoomId, last_id: Option<&str>) -> Stream {
        let request = self.request(at, room, "");
        let request = match last_id {
            Some(id) => request.header("last-event-id", id),
            None => request,
        };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Stream { response, text: String::new() }
    }

    /// Opens it and reads `ready`; gives its last sequence too.
    pub(crate) async fn ready(&self, at: &Instance, room: RoomId) -> (Stream, i64) {
        let mut stream = self.open(at, room).await;
        let ready = stream.event().await;
        assert_eq!((&*ready.name, &ready.id, &ready.data["type"]), ("message", &None, &json!("ready")));
        let last = ready.data["lastSequence"].as_i64().unwrap();
        (stream, last)
    }

    pub(crate) async fn say(&self, at: &Instance, room: RoomId, body: &Value) -> Message {
        let path = at.url(&format!("/api/chat/chatrooms/{room}/messages"));
        let response = self.http.post(path).bearer_auth(&self.token).json(body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    pub(crate) async fn history(&self, at: &Instance, room: RoomId) -> Vec<Message> {
        let path = at.url(&format!("/api/chat/chatrooms/{room}/messages?page=0&size=100"));
        let response = self.http.get(path).bearer_auth(&self.token).send().await.unwrap();
        let page: contract::response::Page<Message> = response.json().await.unwrap();
        page.content
    }
}
