//! Where a purge goes on: what is old goes kind by kind, the oldest first.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Behind what has been looked at. Times have no more than microseconds, as the database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Sessions {
        over_at: DateTime<Utc>,
        id: Uuid,
    },
    Tokens {
        expires_at: DateTime<Utc>,
        hash: Vec<u8>,
    },
    /// Of failed logins. They are few, and have no order.
    Buckets,
    Audit {
        at: DateTime<Utc>,
        id: i64,
    },
}

impl Place {
    pub const FIRST: Self = Self::Sessions { over_at: DateTime::UNIX_EPOCH, id: Uuid::nil() };

    /// The beginning of the next kind.
    pub fn next_kind(&self) -> Option<Self> {
        match self {
            Self::Sessions { .. } => {
                Some(Self::Tokens { expires_at: DateTime::UNIX_EPOCH, hash: Vec::new() })
            }
            Self::Tokens { .. } => Some(Self::Buckets),
            Self::Buckets => Some(Self::Audit { at: DateTime::UNIX_EPOCH, id: 0 }),
            Self::Audit { .. } => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sessions { over_at, id } => write!(f, "session.{}.{id}", over_at.timestamp_micros()),
            Self::Tokens { expires_at, hash } => {
                write!(f, "token.{}.{}", expires_at.timestamp_micros(), URL_SAFE_NO_PAD.encode(hash))
            }
            Self::Buckets => f.write_str("bucket"),
            Self::Audit { at, id } => write!(f, "audit.{}.{id}", at.timestamp_micros()),
        }
    }
}

/// The text never was a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place of a purge")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let time = |text: &str| DateTime::from_timestamp_micros(text.parse().ok()?);
        let parse = || match *text.split('.').collect::<Vec<_>>() {
            ["session", at, id] => Some(Self::Sessions { over_at: time(at)?, id: id.parse().ok()? }),
            ["token", at, hash] => {
                Some(Self::Tokens { expires_at: time(at)?, hash: URL_SAFE_NO_PAD.decode(hash).ok()? })
            }
            ["bucket"] => Some(Self::Buckets),
            ["audit", at, id] => Some(Self::Audit { at: time(at)?, id: id.parse().ok()? }),
            _ => None,
        };
        parse().ok_or(NoPlace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_every_kind_reads_as_it_was_written() {
        let at = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        let mut kinds = 0;
        let mut place = Some(Place::FIRST);
        while let Some(begin) = place {
            assert_eq!(begin.to_string().parse(), Ok(begin.clone()));
            (place, kinds) = (begin.next_kind(), kinds + 1);
        }
        assert_eq!(kinds, 4);
        for place in [
            Place::Sessions { over_at: at, id: Uuid::from_u128(7) },
            Place::Tokens { expires_at: at, hash: vec![255; 32] },
            Place::Audit { at, id: i64::MAX },
        ] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
    }

    #[test]
    fn what_never_was_a_place_is_refused() {
        for text in [
            "",
            "session",
            "session.1",
            "session.x.00000000-0000-0000-0000-000000000007",
            "token.1.%",
            "bucket.1",
            "audit.9999999999999999999999.1",
            "room.1.1",
        ] {
            assert_eq!(text.parse::<Place>(), Err(NoPlace), "{text}");
        }
    }
}
