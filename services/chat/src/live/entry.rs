//! A message on its way to streams: what goes over the wire is rendered once, however many streams there are.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use contract::chat::{Message, SenderType};

use super::sse;

/// Beside content and metadata: ids, times, pointers, and the keys of the rendered forms.
const OVERHEAD: usize = 512;

/// A message and its rendered forms. The forms are made when the first stream needs them.
#[derive(Debug)]
pub struct Entry {
    message: Arc<Message>,
    event: OnceLock<Bytes>,
    frame: OnceLock<Utf8Bytes>,
}

impl Entry {
    pub fn new(message: Arc<Message>) -> Self {
        Self { message, event: OnceLock::new(), frame: OnceLock::new() }
    }

    pub fn message(&self) -> &Arc<Message> {
        &self.message
    }

    pub fn seq(&self) -> i64 {
        self.message.sequence_number
    }

    /// Whether this is a bot's answer to a message, which ends a turn.
    pub fn is_reply(&self) -> bool {
        self.message.sender_type == SenderType::Bot && self.message.metadata.is_some()
    }

    /// Its server-sent events: the three of a turn first if it ends one, then `message_created`.
    pub fn event(&self) -> Bytes {
        self.event.get_or_init(|| sse::message(&self.message)).clone()
    }

    /// Its WebSocket frame, a [`contract::chat::ServerFrame::Message`].
    pub fn frame(&self) -> Utf8Bytes {
        self.frame.get_or_init(|| frame(&self.message)).clone()
    }

    /// What it weighs in a window. With both forms rendered it is about four times that.
    pub(super) fn weight(&self) -> usize {
        self.message.content.len()
            + self.message.metadata.as_ref().map_or(0, |text| text.get().len())
            + OVERHEAD
    }
}

impl Deref for Entry {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.message
    }
}

fn frame(message: &Message) -> Utf8Bytes {
    let json = serde_json::to_string(message).expect("a message has string keys only");
    format!(r#"{{"type":"message","message":{json}}}"#).into()
}
