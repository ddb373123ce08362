//! The data of a room's server-sent events. [`super::Message`] is that of `message_created`, [`super::Intimacy`] and
//! [`super::Vocabulary`] those of the first two of a turn.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::message::SenderType;
use crate::id::MessageId;

/// Names of the events (`event:`). Only [`MESSAGE_CREATED`] carries an id, the message's sequence number.
///
/// [`MESSAGE_CREATED`]: event::MESSAGE_CREATED
pub mod event {
    pub const INTIMACY_ANALYSIS: &str = "intimacy_analysis";
    pub const VOCABULARY_EXTRACTED: &str = "vocabulary_extracted";
    pub const CONVERSATION_COMPLETE: &str = "conversation_complete";
    pub const MESSAGE_CREATED: &str = "message_created";
    pub const GREETING_BOT_MESSAGE: &str = "greeting_bot_message";
    pub const GREETING_GUIDE_MESSAGE: &str = "greeting_guide_message";
}

/// The first event of a stream, without a name: messages behind `lastSequence` follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename = "ready", rename_all = "camelCase")]
pub struct Ready {
    pub last_sequence: i64,
}

/// The last event of a turn: the stored message of the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Complete {
    pub message_id: MessageId,
    pub content: String,
}

/// A message that a room begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Greeting {
    pub message_id: MessageId,
    pub content: String,
    pub sender_type: SenderType,
    #[serde(with = "crate::time::micros")]
    pub timestamp: DateTime<Utc>,
}
