//! Rooms.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{BotId, MessageId, RoomId, UserId};
use crate::word::word;

word! {
    /// The part that a bot plays.
    Concept { Friend = "FRIEND", Honey = "HONEY", Coworker = "COWORKER", Senior = "SENIOR", Boss = "BOSS" }
}

/// How politely a learner wants to talk: 1 formal, 2 soft polite, 3 casual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Level {
    /// -습니다, -ㅂ니다.
    Formal,
    /// -아요, -어요.
    #[default]
    Polite,
    /// 반말.
    Casual,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::Formal, Self::Polite, Self::Casual];

    /// Its number on the wire and in the database.
    pub const fn number(self) -> i16 {
        match self {
            Self::Formal => 1,
            Self::Polite => 2,
            Self::Casual => 3,
        }
    }

    /// The nearest level: clients send fractions and what lies outside.
    pub fn nearest(number: f64) -> Self {
        // Not a number counts as said nothing.
        if number.is_nan() {
            Self::default()
        } else if number < 1.5 {
            Self::Formal
        } else if number < 2.5 {
            Self::Polite
        } else {
            Self::Casual
        }
    }
}

/// A learner's room with a bot. Every key is always present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    pub id: RoomId,
    pub user_id: UserId,
    pub chatbot_id: BotId,
    pub name: String,
    #[schema(required)]
    pub description: Option<String>,
    pub concept: Concept,
    /// 1 formal, 2 soft polite, 3 casual.
    pub intimacy_level: i16,
    #[schema(required)]
    #[serde(with = "crate::time::micros_option")]
    pub last_message_at: Option<DateTime<Utc>>,
    #[schema(required)]
    pub last_message_id: Option<MessageId>,
    pub is_archived: bool,
    pub is_deleted: bool,
    #[serde(with = "crate::time::micros")]
    pub created_at: DateTime<Utc>,
    #[serde(with = "crate::time::micros")]
    pub updated_at: DateTime<Utc>,
}

/// The last talk with a bot, also in a room that was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Interaction {
    pub chatbot_id: BotId,
    pub last_room_id: RoomId,
    /// Of the newest message of the user, else of the room's creation.
    #[serde(with = "crate::time::micros")]
    pub last_interaction_at: DateTime<Utc>,
    pub chatbot_name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_means_the_nearest_level_and_what_lies_outside_the_last_one() {
        for (number, level) in [
            (1.0, Level::Formal),
            (1.49, Level::Formal),
            (1.5, Level::Polite),
            (2.4, Level::Polite),
            (2.5, Level::Casual),
            (-7.0, Level::Formal),
            (99.0, Level::Casual),
            (f64::INFINITY, Level::Casual),
            (f64::NAN, Level::Polite),
        ] {
            assert_eq!(Level::nearest(number), level, "{number}");
        }
    }
}
