//! Server-sent events (HTML standard, section 9.2) of a room, as bytes. Pure.

use bytes::Bytes;
use contract::chat::{Complete, Greeting, Message, Ready, event};
use serde::Serialize;

/// A comment, which clients skip.
pub const PING: Bytes = Bytes::from_static(b": ping\n\n");

/// Everything that a stream sends for a message that it did not have so far.
pub fn message(message: &Message) -> Bytes {
    let mut out = String::new();
    write_turn(&mut out, message);
    let id = message.sequence_number.to_string();
    write(&mut out, Some(event::MESSAGE_CREATED), Some(&id), message);
    out.into()
}

/// The three events of the turn that `reply` ends; empty when it ends none.
pub fn turn(reply: &Message) -> Bytes {
    let mut out = String::new();
    write_turn(&mut out, reply);
    out.into()
}

/// Messages behind `last_sequence` follow.
pub fn ready(last_sequence: i64) -> Bytes {
    let mut out = String::new();
    write(&mut out, None, None, &Ready { last_sequence });
    out.into()
}

/// What a room begins with, by the event's name that the sender has.
pub fn greeting(name: &str, message: &Message) -> Bytes {
    let mut out = String::new();
    let greeting = Greeting {
        message_id: message.id,
        content: message.content.clone(),
        sender_type: message.sender_type,
        timestamp: message.created_at,
    };
    write(&mut out, Some(name), None, &greeting);
    out.into()
}

/// When to come back after the end.
pub fn retry(milliseconds: u64) -> Bytes {
    format!("retry: {milliseconds}\n\n").into()
}

fn write_turn(out: &mut String, message: &Message) {
    let Some(reply) = message.reply() else { return };
    write(out, Some(event::INTIMACY_ANALYSIS), None, &reply.user_message_analysis.intimacy);
    write(out, Some(event::VOCABULARY_EXTRACTED), None, &reply.bot_response_analysis.vocabulary);
    let complete = Complete { message_id: message.id, content: message.content.clone() };
    write(out, Some(event::CONVERSATION_COMPLETE), None, &complete);
}

fn write(out: &mut String, name: Option<&str>, id: Option<&str>, data: &impl Serialize) {
    for (field, value) in [("event", name), ("id", id)] {
        if let Some(value) = value {
            out.extend([field, ": ", value, "\n"]);
        }
    }
    let data = serde_json::to_string(data).expect("what streams send has string keys only");
    // Metadata is written as it is stored. Line ends can only stand between its tokens, where a space will do.
    let data = if data.contains(['\n', '\r']) { data.replace(['\n', '\r'], " ") } else { data };
    out.extend(["data: ", &data, "\n\n"]);
}

#[cfg(test)]
mod tests {
    use contract::chat::{ContentType, SenderType};
    use serde_json::value::RawValue;
    use uuid::Uuid;

    use super::*;

    fn said(content: &str, metadata: Option<&str>) -> Message {
        Message {
            id: Uuid::nil().into(),
            chatroom_id: Uuid::nil().into(),
            sender_type: SenderType::Bot,
            sender_id: None,
            content: content.to_owned(),
            content_type: ContentType::Text,
            sequence_number: 7,
            is_edited: false,
            is_deleted: false,
            created_at: chrono::DateTime::UNIX_EPOCH,
            metadata: metadata.map(|text| RawValue::from_string(text.to_owned()).unwrap()),
        }
    }

    fn text(bytes: &Bytes) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn whatever_a_message_says_is_one_line_of_data() {
        let event = message(&said("하나\n\ndata: 둘\r\nid: 9\u{2028}", Some("{\n  \"note\":\r\n 1 }")));
        let lines: Vec<_> = text(&event).split('\n').collect();
        let [name, id, data, "", ""] = lines[..] else { panic!("{lines:?}") };
        assert_eq!((name, id), ("event: message_created", "id: 7"));
        let data: serde_json::Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(data["content"], "하나\n\ndata: 둘\r\nid: 9\u{2028}");
        assert_eq!(data["metadata"]["note"], 1);
    }

    #[test]
    fn metadata_that_is_no_reply_s_makes_no_turn() {
        assert!(turn(&said("안녕", Some("{}"))).is_empty());
        assert!(turn(&said("안녕", None)).is_empty());
    }

    #[test]
    fn what_has_no_name_is_an_event_of_the_default_kind() {
        assert_eq!(text(&ready(3)), "data: {\"type\":\"ready\",\"lastSequence\":3}\n\n");
        assert_eq!(text(&retry(700)), "retry: 700\n\n");
    }
}
