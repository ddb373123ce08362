//! A client of event streams, by the rules of the HTML standard, section 9.2.6.

use std::collections::VecDeque;

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use crate::fixture::LIMIT;

/// One event as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) name: Option<String>,
    pub(super) id: Option<String>,
    pub(super) data: Value,
}

impl Event {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }
}

/// An open stream. Dropping it closes its connection.
pub(super) struct Stream {
    response: Response,
    /// The beginning of a line.
    rest: Vec<u8>,
    event: Fields,
    events: VecDeque<Event>,
}

/// The fields of the event that is being read.
#[derive(Default)]
struct Fields {
    name: Option<String>,
    id: Option<String>,
    data: Vec<String>,
}

impl Stream {
    /// The stream behind its first event, and that event's `lastSequence`.
    pub(super) async fn ready(request: RequestBuilder) -> (Self, i64) {
        let mut stream = Self::open(request).await;
        let ready = stream.next().await.expect("a first event");
        assert_eq!((ready.name, ready.id), (None, None), "it is for `onmessage`");
        assert_eq!(keys(&ready.data), ["lastSequence", "type"]);
        assert_eq!(ready.data["type"], "ready");
        let last = ready.data["lastSequence"].as_i64().expect("a number");
        (stream, last)
    }

    async fn open(request: RequestBuilder) -> Self {
        Self::try_open(request).await.expect("a stream")
    }

    /// The status of what is no stream.
    pub(super) async fn try_open(request: RequestBuilder) -> Result<Self, StatusCode> {
        let response = request.send().await.expect("the head of the stream");
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        Ok(Self { response, rest: Vec::new(), event: Fields::default(), events: VecDeque::new() })
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// `None` when the stream has ended, or broken. Nothing is lost when this is dropped.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let chunk = timeout(LIMIT, self.response.chunk()).await.expect("another event in time");
            self.rest.extend_from_slice(&chunk.ok()??);
            while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                let line = String::from_utf8(line).expect("streams are UTF-8");
                self.line(line.trim_end_matches(['\r', '\n']));
            }
        }
    }

    /// The next event, which must have this name.
    pub(super) async fn expect(&mut self, name: &str) -> Event {
        let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before {name}"));
        assert!(event.is(name), "{name} is due, not {event:?}");
        event
    }

    /// Until the server closes it. What comes until then is heartbeats, at most.
    pub(super) async fn ends(&mut self) {
        let event = self.next().await;
        assert!(event.is_none(), "nothing more is to be said, and yet: {event:?}");
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            let Fields { name, id, data } = std::mem::take(&mut self.event);
            if !data.is_empty() {
                let data = data.join("\n");
                let data = serde_json::from_str(&data).unwrap_or_else(|_| panic!("this is no JSON: {data}"));
                self.events.push_back(Event { name, id, data });
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match field {
            // A comment.
            "" => {}
            "event" => self.event.name = Some(value),
            "id" => self.event.id = Some(value),
            "data" => self.event.data.push(value),
            "retry" => assert!(value.parse::<u64>().is_ok(), "retry: {value}"),
            other => panic!("no such field: {other}"),
        }
    }
}

/// The keys of an object, sorted.
pub(super) fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = object
        .as_object()
        .unwrap_or_else(|| panic!("{object} is no object"))
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}
