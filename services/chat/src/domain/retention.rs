//! How long things are kept, and which months of messages there have to be.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, Months, NaiveDate, TimeDelta, Utc};

/// A turn that was delivered is only good for looking into what happened.
pub const DELIVERED_TURNS: Duration = Duration::from_hours(7 * 24);
/// For so long a resent message is recognised. Clients give up after minutes.
pub const MESSAGE_KEYS: Duration = Duration::from_hours(30 * 24);
/// Partitions there are for messages to come: two months, so that upkeep may fail for weeks.
pub const MONTHS_AHEAD: u32 = 2;
/// A transaction that began in a month commits in it or soon after; none lives for longer than a request.
const SETTLING: TimeDelta = TimeDelta::hours(1);
/// Most messages that one transaction of a purge deletes.
pub const MESSAGES_AT_ONCE: i64 = 20_000;

/// A month of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    pub fn of(time: DateTime<Utc>) -> Self {
        Self::containing(time.date_naive())
    }

    pub fn containing(day: NaiveDate) -> Self {
        // Every month has a first day.
        Self(day.with_day(1).unwrap_or(day))
    }

    pub const fn first_day(self) -> NaiveDate {
        self.0
    }

    /// `None` at the end of what a calendar reaches.
    pub fn plus(self, months: u32) -> Option<Self> {
        self.0.checked_add_months(Months::new(months)).map(Self)
    }

    pub fn begins(self) -> DateTime<Utc> {
        self.0.and_time(chrono::NaiveTime::MIN).and_utc()
    }

    /// The first moment behind it.
    pub fn ends(self) -> DateTime<Utc> {
        self.plus(1).map_or(DateTime::<Utc>::MAX_UTC, Self::begins)
    }

    /// Whether no message will be added any more.
    pub fn is_sealed(self, now: DateTime<Utc>) -> bool {
        now - SETTLING >= self.ends()
    }

    /// The months that messages of `now` and soon after need.
    pub fn needed(now: DateTime<Utc>) -> impl Iterator<Item = Self> {
        (0..=MONTHS_AHEAD).filter_map(move |ahead| Self::of(now).plus(ahead))
    }
}

/// `YYYY-MM`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a month is written YYYY-MM")]
pub struct NotAMonth;

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        if text.len() != 7 || text.bytes().any(|byte| !byte.is_ascii_digit() && byte != b'-') {
            return Err(NotAMonth);
        }
        NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").map(Self).map_err(|_| NotAMonth)
    }
}

/// How many rooms, in their order, can go in one transaction. None when the first alone has too many messages.
pub fn fitting(messages: impl IntoIterator<Item = i64>) -> usize {
    let mut sum = 0_i64;
    messages
        .into_iter()
        .take_while(|count| {
            sum = sum.saturating_add(*count);
            sum <= MESSAGES_AT_ONCE
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_is_sealed_an_hour_after_its_end() {
        let month: Month = "2026-12".parse().unwrap();
        assert_eq!(month.ends(), time("2027-01-01T00:00:00Z"));
        for (now, sealed) in [
            ("2026-12-31T23:59:59Z", false),
            ("2027-01-01T00:59:59Z", false),
            ("2027-01-01T01:00:00Z", true),
            ("2028-01-01T00:00:00Z", true),
        ] {
            assert_eq!(month.is_sealed(time(now)), sealed, "{now}");
        }
    }

    #[test]
    fn months_are_made_two_ahead_also_over_new_year() {
        let needed: Vec<_> =
            Month::needed(time("2026-11-30T23:59:59Z")).map(|month| month.to_string()).collect();
        assert_eq!(needed, ["2026-11", "2026-12", "2027-01"]);
    }

    #[test]
    fn only_a_year_and_a_month_are_a_month() {
        for text in ["2026-1", "2026-13", "2026-00", "26-01", "2026-01-01", "2026/01", "+026-01", ""] {
            assert_eq!(text.parse::<Month>(), Err(NotAMonth), "{text}");
        }
        assert_eq!("0001-01".parse::<Month>().unwrap().to_string(), "0001-01");
    }

    #[test]
    fn a_transaction_takes_as_many_rooms_as_have_few_messages() {
        for (messages, expected) in [
            (vec![], 0),
            (vec![1, 2, 3], 3),
            (vec![MESSAGES_AT_ONCE, 1], 1),
            (vec![MESSAGES_AT_ONCE + 1, 1], 0),
            (vec![0, i64::MAX, i64::MAX], 1),
        ] {
            assert_eq!(fitting(messages.clone()), expected, "{messages:?}");
        }
    }
}
