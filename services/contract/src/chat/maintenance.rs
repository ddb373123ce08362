//! Bodies of `/internal/**` of chat: what store asks about a room, and what batch does to old data.
//!
//! Long work comes in chunks: an answer's `next` goes back as `after` until it is null. Repeating a chunk is harmless.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::message::{ContentType, SenderType};
use crate::id::{BotId, MessageId, RoomId, UserId};

/// Paths of the internal routes.
pub mod path {
    use crate::id::RoomId;

    /// GET answers a [`super::RoomRecord`].
    pub fn room(room: RoomId) -> String {
        format!("/internal/rooms/{room}")
    }

    /// POST takes a [`super::PurgeRooms`].
    pub const PURGE: &str = "/internal/maintenance/chatrooms/purge";
    /// GET answers every [`super::MessagePartition`].
    pub const PARTITIONS: &str = "/internal/maintenance/message-partitions";
    /// GET with `?day=` answers [`super::DayStatistics`].
    pub const STATISTICS: &str = "/internal/maintenance/statistics";

    /// GET answers an [`super::ArchiveChunk`]. `month` is `YYYY-MM`.
    pub fn messages(month: &str) -> String {
        format!("{PARTITIONS}/{month}/messages")
    }

    /// POST takes a [`super::DropPartition`].
    pub fn drop(month: &str) -> String {
        format!("{PARTITIONS}/{month}/drop")
    }
}

/// A room in whatever state, for store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomRecord {
    pub id: RoomId,
    pub user_id: UserId,
    pub chatbot_id: BotId,
    pub name: String,
    /// It was left by its user.
    pub is_deleted: bool,
}

/// `POST /internal/maintenance/chatrooms/purge`
#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PurgeRooms {
    /// Rooms that were left before this, which is not in the future.
    #[garde(skip)]
    #[serde(with = "crate::time::micros")]
    pub left_before: DateTime<Utc>,
}

/// What a chunk of a purge has removed; of a dry run, what it would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PurgedRooms {
    pub dry_run: bool,
    /// How many rooms. It may be none although there are more: `next` says so. The messages of a very long room go
    /// in several chunks.
    pub processed: u64,
    /// How many messages; of a dry run, how many the rooms have had.
    pub messages: u64,
    #[schema(required)]
    pub next: Option<String>,
    pub rooms: Vec<LeftRoom>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftRoom {
    pub id: RoomId,
    #[serde(with = "crate::time::micros")]
    pub left_at: DateTime<Utc>,
}

/// The messages of a month (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessagePartition {
    /// `YYYY-MM`.
    pub month: String,
    #[serde(with = "crate::time::micros")]
    pub from: DateTime<Utc>,
    /// The first moment behind it.
    #[serde(with = "crate::time::micros")]
    pub to: DateTime<Utc>,
    /// The database's estimate; null until it has made one.
    #[schema(required)]
    pub rows: Option<i64>,
    /// On disk, indexes included.
    pub bytes: i64,
    /// Nothing will be added any more: it can be archived and dropped.
    pub sealed: bool,
}

/// A message with all its columns.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedMessage {
    pub room_id: RoomId,
    pub seq: i64,
    pub id: MessageId,
    pub sender_type: SenderType,
    #[schema(required)]
    pub sender_id: Option<Uuid>,
    pub content: String,
    pub content_type: ContentType,
    #[schema(required, value_type = Option<Object>)]
    pub metadata: Option<Box<RawValue>>,
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub edited_at: Option<DateTime<Utc>>,
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub deleted_at: Option<DateTime<Utc>>,
    #[serde(with = "crate::time::micros")]
    pub created_at: DateTime<Utc>,
}

impl ArchivedMessage {
    /// Its line in an archive, line feed included: the same bytes that stand in an answer, which is what the checksum
    /// of a month is made of.
    ///
    /// # Panics
    /// Never: it has only strings and numbers.
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("a message has only strings and numbers");
        line.push('\n');
        line
    }

    /// Passed as `after`, it makes a chunk begin behind this message. A chunk's `next` is that of its last message.
    pub fn place(&self) -> String {
        format!("{}.{}", self.room_id, self.seq)
    }
}

/// Messages of a month in the order of rooms and of sequence numbers in them.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveChunk {
    pub processed: u64,
    #[schema(required)]
    pub next: Option<String>,
    pub content: Vec<ArchivedMessage>,
}

/// `POST /internal/maintenance/message-partitions/{month}/drop`: what was archived.
#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropPartition {
    #[garde(skip)]
    pub rows: u64,
    /// SHA-256 of the archive, i.e. of the [`ArchivedMessage::line`]s in their order, in 64 lower-case digits.
    #[garde(length(bytes, equal = 64))]
    pub checksum: String,
}

/// What became of the month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DroppedPartition {
    pub month: String,
    pub dry_run: bool,
    /// False for a dry run, and when there was nothing left to drop.
    pub dropped: bool,
    /// What was found there, so far.
    pub rows: u64,
    /// Null while it is still being made: the answer was 202, ask again.
    #[schema(required)]
    pub checksum: Option<String>,
}

/// What happened on a day (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayStatistics {
    pub day: NaiveDate,
    pub rooms: RoomStatistics,
    pub messages: MessageStatistics,
    /// Users who wrote something.
    pub active_users: i64,
    pub turns: TurnStatistics,
    pub tokens: TokenStatistics,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RoomStatistics {
    /// Of those that have not been purged since.
    pub created: i64,
    pub left: i64,
    /// Rooms in which a user wrote.
    pub active: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MessageStatistics {
    pub user: i64,
    pub bot: i64,
    pub system: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TurnStatistics {
    /// Messages that a bot has answered.
    pub answered: i64,
    /// Turns that the language model was asked for, as quotas count them.
    pub by_model: i64,
}

/// Tokens of the language model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenStatistics {
    pub prompt: i64,
    pub completion: i64,
}
