//! Frames as text: what came, understood or refused, and what goes.

use axum::extract::ws::Utf8Bytes;
use chassis::ApiError;
use chrono::Utc;
use contract::chat::{ClientFrame, Message, ServerFrame};
use contract::code::ErrorCode;
use contract::text::{Language, Text};
use serde::{Deserialize, Serialize};
use tracing::{error, warn};

use super::post::Post;
use crate::domain::message::{Draft, MAX_CLIENT_ID, compose};
use crate::error::Error;

/// A frame that can be acted upon.
#[derive(Debug)]
pub(super) enum Command {
    Send(Post),
    Typing(bool),
    Read(i64),
    Resume(i64),
}

/// Why a frame was not taken, and what it called itself.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: ApiError,
    pub(super) client_message_id: Option<String>,
}

/// # Errors
/// When it is no JSON, no frame that we know, or says what cannot be.
pub(super) fn read(text: &str) -> Result<Command, Box<Refused>> {
    let malformed = |error: serde_json::Error| {
        let (ko, en) =
            (format!("프레임을 읽을 수 없습니다: {error}"), format!("The frame cannot be read: {error}"));
        ApiError::new(ErrorCode::BadRequest).text(Text::owned(ko, en))
    };
    serde_json::from_str(text)
        .map_err(malformed)
        .and_then(check)
        .map_err(|error| Box::new(Refused { error, client_message_id: message_id(text) }))
}

/// Whatever else is wrong with a frame, its sender wants to know which one it was.
pub(super) fn message_id(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        client_message_id: String,
    }
    let named = serde_json::from_str::<Named>(text).ok()?;
    Some(named.client_message_id).filter(|id| id.chars().count() <= MAX_CLIENT_ID)
}

fn check(frame: ClientFrame) -> Result<Command, ApiError> {
    match frame {
        ClientFrame::Send { content, content_type, client_message_id, respond } => {
            let draft = Draft {
                content: &content,
                content_type,
                sender_type: None,
                client_message_id: client_message_id.as_deref(),
            };
            let composed = compose(draft).map_err(Error::Invalid)?;
            Ok(Command::Send(Post { composed, client_message_id, turn: respond.unwrap_or(true) }))
        }
        ClientFrame::Typing { typing } => Ok(Command::Typing(typing)),
        ClientFrame::Read { sequence } => number("sequence", sequence).map(Command::Read),
        ClientFrame::Resume { after } => number("after", after).map(Command::Resume),
    }
}

fn number(field: &'static str, number: i64) -> Result<i64, ApiError> {
    if number >= 0 {
        return Ok(number);
    }
    let text = Text::new("순번은 0 이상이어야 합니다.", "A sequence number is not below 0.");
    Err(ApiError::new(ErrorCode::Validation).field(field, text))
}

pub(super) fn write(frame: &ServerFrame) -> Utf8Bytes {
    encode(frame)
}

/// `ServerFrame::Ack`, without a copy of the message.
pub(super) fn ack(client_message_id: Option<&str>, message: &Message) -> Utf8Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Ack<'a> {
        r#type: &'static str,
        client_message_id: Option<&'a str>,
        message: &'a Message,
    }
    encode(&Ack { r#type: "ack", client_message_id, message })
}

/// A refusal, as the caller of a route would get it. Failures of our own are logged here, once.
pub(super) fn refusal(error: &ApiError, client_message_id: Option<String>, language: Language) -> Utf8Bytes {
    let status = error.status_code().as_u16();
    let cause = error.chain().unwrap_or_default();
    match status {
        500 => error!(status, code = %error.code(), cause, "a frame failed with {status}"),
        501.. => warn!(status, code = %error.code(), cause, "a frame failed with {status}"),
        _ => {}
    }
    let problem = error.problem(language, "", String::new(), Utc::now());
    // A frame has no place for a list of fields; the first says more than that some are wrong.
    let message = problem.errors.into_iter().next().map_or(problem.message, |field| field.message);
    write(&ServerFrame::Error { error_code: error.code(), message, client_message_id })
}

fn encode(frame: &impl Serialize) -> Utf8Bytes {
    serde_json::to_string(frame).expect("a frame has string keys only").into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use contract::chat::{ContentType, MAX_CONTENT, SenderType};
    use serde_json::value::RawValue;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::live::Entry;

    fn reply() -> Message {
        Message {
            id: Uuid::from_u128(1).into(),
            chatroom_id: Uuid::from_u128(2).into(),
            sender_type: SenderType::Bot,
            sender_id: Some(Uuid::from_u128(3)),
            content: "그렇군요.".to_owned(),
            content_type: ContentType::Text,
            sequence_number: 4,
            is_edited: false,
            is_deleted: false,
            created_at: Utc::now(),
            metadata: Some(RawValue::from_string(r#"{"b":1,"a":[2]}"#.to_owned()).unwrap()),
        }
    }

    #[test]
    fn frames_go_as_the_contract_says_with_metadata_as_it_is_stored() {
        let message = reply();
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let sent = Entry::new(Arc::new(message.clone())).frame();
        assert!(sent.as_str().contains(r#""metadata":{"b":1,"a":[2]}"#), "{sent}");
        let by_contract = write(&ServerFrame::Message { message: message.clone() });
        assert_eq!(value(sent.as_str()), value(by_contract.as_str()));
        for name in [None, Some("a")] {
            let by_contract = write(&ServerFrame::Ack {
                client_message_id: name.map(str::to_owned),
                message: message.clone(),
            });
            assert_eq!(value(ack(name, &message).as_str()), value(by_contract.as_str()));
        }
    }

    #[test]
    fn what_cannot_be_taken_is_refused_by_code_and_named() {
        let too_long = "가".repeat(MAX_CONTENT + 1);
        let id = "i".repeat(MAX_CLIENT_ID + 1);
        for (frame, code, named) in [
            (json!("hello"), ErrorCode::BadRequest, None),
            (json!({ "type": "shout" }), ErrorCode::BadRequest, None),
            (json!({ "content": "a", "clientMessageId": "n" }), ErrorCode::BadRequest, Some("n")),
            (json!({ "type": "send", "clientMessageId": "n" }), ErrorCode::BadRequest, Some("n")),
            (json!({ "type": "send", "content": "" }), ErrorCode::Validation, None),
            (
                json!({ "type": "send", "content": too_long, "clientMessageId": "n" }),
                ErrorCode::Validation,
                Some("n"),
            ),
            (json!({ "type": "send", "content": "a", "clientMessageId": id }), ErrorCode::Validation, None),
            (json!({ "type": "read", "sequence": -1 }), ErrorCode::Validation, None),
            (json!({ "type": "resume", "after": -1 }), ErrorCode::Validation, None),
        ] {
            let refused = read(&frame.to_string()).unwrap_err();
            assert_eq!(refused.error.code(), code, "{frame}");
            assert_eq!(refused.client_message_id.as_deref(), named, "{frame}");
        }
        assert!(read("{").is_err());
    }

    #[test]
    fn what_a_client_leaves_out_has_its_default() {
        let frame = read(r#"{"type":"send","content":"안녕","unknown":1}"#).unwrap();
        let Command::Send(Post { composed, client_message_id: None, turn: true }) = frame else {
            panic!("{frame:?}");
        };
        assert_eq!(composed.content, "안녕");
    }
}
