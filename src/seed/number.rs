//! Deterministic numbers, ids and times: everything generated starts here.

use std::ops::RangeInclusive;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::{Builder, Uuid};

/// What an id or a stream of numbers is for, so that user 7 and item 7 share nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum Kind {
    User = 1,
    Room,
    Message,
    Item,
    Bookmark,
    Profile,
    Preference,
    Salt,
}

/// Microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(pub(super) u64);

pub(super) const SECOND: u64 = 1_000_000;
pub(super) const DAY: u64 = 86_400 * SECOND;
/// 2025-01-01T00:00:00Z. Generated data is of a fixed time, or it would differ from run to run.
pub(super) const EPOCH: Time = Time(1_735_689_600 * SECOND);

impl Time {
    /// The one thing that is not of a fixed time: when the accounts that are put in were last used.
    pub(super) fn now() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(now.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn after(self, micros: u64) -> Self {
        Self(self.0 + micros)
    }
}

/// Pseudo-random numbers by `SplitMix64` (Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub(super) struct Stream(u64);

impl Stream {
    /// The numbers of the `index`-th thing of a kind.
    pub(super) fn of(number: u64, kind: Kind, index: u64) -> Self {
        let mut mixed = Self(number);
        for part in [kind as u64, index] {
            mixed = Self(mixed.next() ^ part);
        }
        mixed.next();
        mixed
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range; the bias of the remainder is far below anything a seed could show.
    pub(super) fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.next() % (range.end() - range.start() + 1)
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.within(0..=99) < percent
    }

    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let last = u64::try_from(choices.len()).unwrap_or(u64::MAX).saturating_sub(1);
        &choices[usize::try_from(self.within(0..=last)).unwrap_or_default()]
    }
}

/// The `UUIDv7` of the `index`-th thing of a kind, made at `at`: the same in every database and every run.
pub(super) fn id(number: u64, kind: Kind, index: u64, at: Time) -> Uuid {
    let mut stream = Stream::of(number, kind, index);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&stream.next().to_be_bytes());
    random[8..].copy_from_slice(&stream.next().to_be_bytes()[..2]);
    Builder::from_unix_timestamp_millis(at.0 / 1_000, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_stream_is_splitmix64() {
        // First outputs for the state 1234567, as published with the reference implementation.
        let mut stream = Stream(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| stream.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn ids_are_version_7_and_differ_by_number_kind_and_index() {
        let mut seen = BTreeSet::new();
        for number in 0..3 {
            for kind in [Kind::User, Kind::Room, Kind::Item] {
                for index in 0..100 {
                    let id = id(number, kind, index, EPOCH);
                    assert_eq!(id.get_version_num(), 7);
                    assert!(seen.insert(id), "{number} {kind:?} {index}");
                }
            }
        }
        assert_eq!(id(1, Kind::User, 5, EPOCH), id(1, Kind::User, 5, EPOCH));
    }

    #[test]
    fn ids_sort_by_time() {
        assert!(id(1, Kind::User, 9, EPOCH) < id(1, Kind::User, 3, EPOCH.after(SECOND)));
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_both_ends() {
        let mut stream = Stream::of(1, Kind::User, 0);
        let drawn: BTreeSet<u64> = (0..1_000).map(|_| stream.within(3..=6)).collect();
        assert_eq!(drawn, BTreeSet::from([3, 4, 5, 6]));
    }
}
