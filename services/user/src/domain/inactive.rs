//! Where a listing of inactive accounts goes on, and what an account is called that has no name any more.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use contract::id::UserId;
use contract::user::maintenance::Settlement;
use uuid::Uuid;

pub const FIRST_NAME: &str = "탈퇴한";
pub const LAST_NAME: &str = "회원";
pub const NAME: &str = "탈퇴한 회원";

/// Behind an account: those to be closed come first, then the closed ones, the longest since first. Times have no more
/// than microseconds, as the database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub action: Settlement,
    pub since: DateTime<Utc>,
    pub id: UserId,
}

impl Place {
    pub const fn first(action: Settlement) -> Self {
        Self { action, since: DateTime::UNIX_EPOCH, id: UserId::from_uuid(Uuid::nil()) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.action, self.since.timestamp_micros(), self.id)
    }
}

/// The text never was a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place of a listing")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let parse = || {
            let (action, rest) = text.split_once('.')?;
            let (micros, id) = rest.split_once('.')?;
            let since = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            Some(Self { action: action.parse().ok()?, since, id: id.parse().ok()? })
        };
        parse().ok_or(NoPlace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_was_written() {
        let since = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        for action in [Settlement::Deactivate, Settlement::Pseudonymise] {
            let place = Place { action, since, id: Uuid::from_u128(7).into() };
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in [
            "",
            "DEACTIVATE",
            "DEACTIVATE.1",
            "DEACTIVATE.1.x",
            "SUSPEND.1.00000000-0000-0000-0000-000000000007",
        ] {
            assert_eq!(text.parse::<Place>(), Err(NoPlace), "{text}");
        }
    }
}
