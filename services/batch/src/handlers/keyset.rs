//! Pages: how long they are, and where the next one begins.

use std::fmt;
use std::str::FromStr;

use chassis::ApiError;
use chrono::{DateTime, Utc};
use contract::code::ErrorCode;
use contract::response::MAX_PAGE_SIZE;
use contract::text::Text;
use uuid::Uuid;

const PAGE_SIZE: u32 = 20;

/// How many a page has.
pub(super) fn size(wanted: Option<u32>) -> usize {
    wanted.unwrap_or(PAGE_SIZE).clamp(1, MAX_PAGE_SIZE) as usize
}

/// What to ask the database for: one more tells whether there is more.
#[expect(clippy::cast_possible_wrap, reason = "a page has at most a hundred")]
pub(super) const fn limit(size: usize) -> i64 {
    size as i64 + 1
}

/// Cuts a page to its size; the last of it when there is more behind.
pub(super) fn cut<T>(page: &mut Vec<T>, size: usize) -> Option<&T> {
    let more = page.len() > size;
    page.truncate(size);
    page.last().filter(|_| more)
}

/// A place in an order by time, then id. Times have no more than microseconds, as the database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keyset {
    at: DateTime<Utc>,
    id: Uuid,
}

impl Keyset {
    pub(super) fn new(at: DateTime<Utc>, id: impl Into<Uuid>) -> Self {
        Self { at, id: id.into() }
    }

    /// # Errors
    /// E003 when the cursor is none that we have given out.
    pub(super) fn read(cursor: Option<&str>) -> Result<Option<(DateTime<Utc>, Uuid)>, ApiError> {
        let Some(text) = cursor else { return Ok(None) };
        let place: Self = text.parse().map_err(|()| {
            let text = Text::new("이전 응답에서 받은 값이 아닙니다.", "This is not what an answer said.");
            ApiError::new(ErrorCode::Validation).field("cursor", text)
        })?;
        Ok(Some((place.at, place.id)))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_was_written() {
        let at = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        let place = Keyset::new(at, Uuid::from_u128(7));
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "1", "1.x", "x.00000000-0000-0000-0000-000000000007", "9999999999999999999999.x"] {
            assert!(text.parse::<Keyset>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_page_ends_where_there_is_more() {
        let mut page = vec![1, 2, 3];
        assert_eq!(cut(&mut page, 2), Some(&2));
        assert_eq!(page, [1, 2]);
        let mut page = vec![1, 2];
        assert_eq!(cut(&mut page, 2), None);
    }
}
