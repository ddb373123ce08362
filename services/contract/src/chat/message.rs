//! Messages.

use chrono::{DateTime, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::reply::ReplyMetadata;
use crate::id::{MessageId, RoomId};
use crate::word::word;

/// The longest content, in characters.
pub const MAX_CONTENT: usize = 10_000;

word! {
    /// Who speaks.
    SenderType { User = "user", Bot = "bot", System = "system" }
}

word! {
    /// What a message's content is.
    ContentType { Text = "text", Code = "code", System = "system", Json = "json" }
}

/// One message. Every key is always present.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: MessageId,
    pub chatroom_id: RoomId,
    pub sender_type: SenderType,
    /// The user or the bot; null for the system.
    #[schema(required)]
    pub sender_id: Option<Uuid>,
    pub content: String,
    pub content_type: ContentType,
    /// 1, 2, 3 … in the room, without a gap.
    pub sequence_number: i64,
    pub is_edited: bool,
    pub is_deleted: bool,
    #[serde(with = "crate::time::micros")]
    pub created_at: DateTime<Utc>,
    /// A bot's reply carries a [`ReplyMetadata`], as it is stored; everything else null.
    #[schema(required, value_type = Option<ReplyMetadata>)]
    #[serde(default, deserialize_with = "raw")]
    pub metadata: Option<Box<RawValue>>,
}

/// JSON as it is, also inside of an enum that tells its variants by a tag: there it has been read already, and
/// only its meaning is left.
fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    value.map(|value| serde_json::value::to_raw_value(&value)).transpose().map_err(D::Error::custom)
}

impl Message {
    /// What a bot's reply says about the message it answers and about its own words; `None` for everything else.
    pub fn reply(&self) -> Option<ReplyMetadata> {
        let metadata = self.metadata.as_deref().filter(|_| self.sender_type == SenderType::Bot)?;
        serde_json::from_str(metadata.get()).ok()
    }
}
