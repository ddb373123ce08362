//! Messages that users keep.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::id::{BookmarkId, MessageId, RoomId};
use crate::word::word;

word! {
    /// The part of the bot that a bookmarked message is from.
    BotType { Friend = "friend", Honey = "honey", Coworker = "coworker", Senior = "senior", Boss = "boss" }
}

/// A bookmark. Every key is always present.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bookmark {
    pub id: BookmarkId,
    pub message_id: MessageId,
    pub chatroom_id: RoomId,
    /// Copied from chat when it was saved; null when chat could not say.
    #[schema(required)]
    pub chatroom_name: Option<String>,
    /// Byte for byte as it was sent.
    pub content: String,
    #[schema(required)]
    pub corrected_content: Option<String>,
    /// As it was sent; `{}` if nothing was.
    #[schema(value_type = Object)]
    pub ai_response: Box<RawValue>,
    #[schema(required)]
    pub bot_type: Option<BotType>,
    #[serde(with = "crate::time::micros")]
    pub created_at: DateTime<Utc>,
}
