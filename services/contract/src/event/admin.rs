//! What an operator asks about events and tells consumers to do.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CloudEvent;

/// How far a producer's feed reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    pub source: String,
    /// The last position given out; 0 before the first.
    pub last_position: i64,
    /// Events that are committed and not in the feed yet.
    pub unnumbered: i64,
    /// Age of the oldest of those; 0 without any.
    pub unnumbered_age_ms: i64,
    /// The oldest event that is still there; null when there is none.
    #[schema(required)]
    pub oldest_position: Option<i64>,
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub oldest_time: Option<DateTime<Utc>>,
}

/// How far a consumer has followed a producer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerView {
    pub name: String,
    pub source: String,
    pub position: i64,
    /// Events of the feed that it has not taken yet; null when the producer does not answer.
    #[schema(required)]
    pub lag: Option<i64>,
    /// Events that were put aside and wait for a decision.
    pub parked: i64,
    #[serde(with = "crate::time::micros")]
    pub updated_at: DateTime<Utc>,
}

/// `POST /internal/events/consumers/{name}/{source}/position`
#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetPosition {
    /// The next event taken is the one behind this; 0 is the beginning.
    #[garde(range(min = 0))]
    pub position: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum DeadLetterState {
    /// Waits for a decision; later events of its aggregate wait behind it.
    Parked,
    /// Has taken effect after all.
    Replayed,
    /// Will not take effect.
    Dropped,
}

impl DeadLetterState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "PARKED",
            Self::Replayed => "REPLAYED",
            Self::Dropped => "DROPPED",
        }
    }
}

/// An event that could not take effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    pub id: Uuid,
    pub consumer: String,
    pub source: String,
    pub state: DeadLetterState,
    pub error: String,
    pub attempts: i32,
    /// Why it was dropped.
    #[schema(required)]
    pub reason: Option<String>,
    #[serde(with = "crate::time::micros")]
    pub parked_at: DateTime<Utc>,
    #[serde(with = "crate::time::micros_option")]
    #[schema(required)]
    pub resolved_at: Option<DateTime<Utc>>,
    pub event: CloudEvent,
}

/// `POST /internal/events/dead/{id}/drop`
#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropLetter {
    /// For whoever asks later.
    #[garde(length(chars, min = 1, max = 500))]
    pub reason: String,
}

/// What a replay has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// Events that have taken effect now.
    pub replayed: u32,
    /// Events that failed again; those behind them wait on.
    pub failed: Vec<FailedReplay>,
    /// Events of the same choice that are still parked.
    pub remaining: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedReplay {
    pub id: Uuid,
    pub error: String,
}
