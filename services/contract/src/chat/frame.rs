//! The JSON frames of a room's WebSocket.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::message::{ContentType, Message};
use crate::code::ErrorCode;
use crate::id::UserId;

/// The sub-protocol that clients offer beside their token.
pub const PROTOCOL: &str = "dorandoran.v1";

/// A one-time entry to a room's WebSocket (`?ticket=`), for browsers, which cannot send a header with it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SocketTicket {
    pub ticket: String,
    #[serde(with = "crate::time::micros")]
    pub expires_at: DateTime<Utc>,
}

/// What a client sends.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum ClientFrame {
    /// Answered by an `ack`, or an `error` with the same `clientMessageId`.
    Send {
        content: String,
        #[serde(default)]
        content_type: Option<ContentType>,
        #[serde(default)]
        client_message_id: Option<String>,
        /// Whether the bot answers; it does unless told not to.
        #[serde(default)]
        respond: Option<bool>,
    },
    Typing {
        typing: bool,
    },
    /// Everything up to `sequence` was read.
    Read {
        sequence: i64,
    },
    /// Messages behind `after` follow from here on, whatever was sent before.
    Resume {
        after: i64,
    },
}

/// What the server sends.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum ServerFrame {
    /// The first frame: messages behind `lastSequence` follow.
    Ready {
        last_sequence: i64,
    },
    /// The message is stored, or was before under the same `clientMessageId`.
    Ack {
        client_message_id: Option<String>,
        message: Message,
    },
    Message {
        message: Message,
    },
    /// Somebody types, or has stopped to. Lost rather than late.
    Typing {
        sender_id: Uuid,
        typing: bool,
    },
    /// Who is here, each time that changes.
    Presence {
        online: Vec<UserId>,
    },
    Read {
        user_id: UserId,
        sequence: i64,
    },
    Error {
        error_code: ErrorCode,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_message_id: Option<String>,
    },
}
