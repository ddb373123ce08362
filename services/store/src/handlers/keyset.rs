//! Where a listing by time goes on: behind a row, named by its time and id.

use std::fmt;
use std::str::FromStr;

use chassis::ApiError;
use chrono::{DateTime, Utc};
use contract::code::ErrorCode;
use contract::text::Text;
use uuid::Uuid;

/// A place in an order by time, then id. Times have no more than microseconds, as the database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keyset {
    pub(super) at: DateTime<Utc>,
    pub(super) id: Uuid,
}

impl fmt::Display for Keyset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.timestamp_micros(), self.id)
    }
}

impl FromStr for Keyset {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parse = || {
            let (micros, id) = text.split_once('.')?;
            let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            Some(Self { at, id: id.parse().ok()? })
        };
        parse().ok_or(())
    }
}

/// What was passed as `cursor` or `after` never was the end of an answer.
pub(super) fn wrong(field: &'static str) -> ApiError {
    let text = Text::new("이전 응답에서 받은 값이 아닙니다.", "This is not what an answer said.");
    ApiError::new(ErrorCode::Validation).field(field, text)
}

/// The field takes one of some words, and this is none of them.
pub(super) fn wrong_word(field: &'static str) -> ApiError {
    let text = Text::new("알 수 없는 값입니다.", "This is none of the words that are known here.");
    ApiError::new(ErrorCode::Validation).field(field, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_was_written() {
        let at = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        let place = Keyset { at, id: Uuid::from_u128(7) };
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "1", "1.x", "x.00000000-0000-0000-0000-000000000007", "9999999999999999999999.x"] {
            assert!(text.parse::<Keyset>().is_err(), "{text}");
        }
    }
}
