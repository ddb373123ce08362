//! How many requests took how long: the cells of an HDR histogram that are not empty. Pure.
//!
//! Services give a histogram of everything since their start; the difference of two is a second's, and the sums of
//! those are the window's and the service's. Percentiles come from the sums, never from other percentiles.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{DeserializeError, Deserializer};
use serde::{Deserialize, Serialize};

/// Cells per power of two: those of a histogram of two significant digits.
const HALF: u64 = 128;
/// What fewer requests than this took is no percentile.
pub(crate) const FEWEST: u64 = 20;

/// Lowest microsecond of a cell and its count, in order, no count 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cells(Vec<(u64, u64)>);

impl Cells {
    /// From the V2 encoding that `/actuator/latency` has.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DeserializeError> {
        let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut &*bytes)?;
        let cells = histogram.iter_recorded();
        Ok(Self(cells.map(|cell| (lowest(cell.value_iterated_to()), cell.count_at_value())).collect()))
    }

    /// What came after `earlier`; none when that is not an earlier state of this one.
    pub(super) fn since(&self, earlier: &Self) -> Option<Self> {
        let mut before = earlier.0.iter().copied().peekable();
        let mut cells = Vec::new();
        for &(value, count) in &self.0 {
            let known = before.next_if(|(known, _)| *known == value).map_or(0, |(_, count)| count);
            match count.checked_sub(known)? {
                0 => {}
                new => cells.push((value, new)),
            }
        }
        // A cell that is gone was counted by another process.
        before.next().is_none().then_some(Self(cells))
    }

    pub(crate) fn add(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        for &(value, count) in &other.0 {
            match self.0.binary_search_by_key(&value, |(value, _)| *value) {
                Ok(index) => self.0[index].1 += count,
                Err(index) => self.0.insert(index, (value, count)),
            }
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// In milliseconds, from the middle of its cell, which is at most 0.4 % away; none for too few requests.
    pub(crate) fn percentile_ms(&self, percent: f64) -> Option<f64> {
        let count = self.count();
        if count < FEWEST {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of a window are far below 2^53"
        )]
        let rank = ((percent / 100.0 * count as f64).ceil() as u64).clamp(1, count);
        let mut seen = 0;
        let (value, _) = self.0.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        })?;
        #[expect(clippy::cast_precision_loss, reason = "at most a minute of microseconds")]
        let micros = *value as f64 + (width(*value) - 1) as f64 / 2.0;
        Some(micros / 1000.0)
    }

    /// Small: differences of neighbours, seven bits a byte.
    pub(crate) fn pack(&self) -> Packed {
        let mut bytes = Vec::with_capacity(self.0.len() * 3);
        let mut last = 0;
        for &(value, count) in &self.0 {
            put(&mut bytes, value - last);
            put(&mut bytes, count);
            last = value;
        }
        Packed(bytes.into())
    }
}

/// [`Cells`] to keep: three bytes a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Packed(Box<[u8]>);

impl Packed {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What cannot be read counts as nothing.
    pub(crate) fn unpack(&self) -> Cells {
        let mut cells = Vec::new();
        let (mut rest, mut value) = (&*self.0, 0_u64);
        while let (Some(step), Some(count)) = (take(&mut rest), take(&mut rest)) {
            value = value.saturating_add(step);
            cells.push((value, count));
        }
        Cells(cells)
    }
}

impl Serialize for Packed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        STANDARD_NO_PAD.encode(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD_NO_PAD.decode(text).map(|bytes| Self(bytes.into())).map_err(serde::de::Error::custom)
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 128 {
        bytes.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    bytes.push((number & 127) as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 127) << shift;
        if first & 128 == 0 {
            return Some(number);
        }
    }
    None
}

/// How many values share the cell of this one.
fn width(value: u64) -> u64 {
    1 << (64 - (value | (2 * HALF - 1)).leading_zeros() - 8)
}

fn lowest(value: u64) -> u64 {
    value - value % width(value)
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::{Serializer as _, V2Serializer};
    use proptest::prelude::*;

    use super::*;

    const LONGEST: u64 = 60_000_000;

    fn library(micros: &[u64]) -> Histogram<u64> {
        let mut histogram = Histogram::new_with_bounds(1, LONGEST, 2).unwrap();
        for value in micros {
            histogram.record(*value).unwrap();
        }
        histogram
    }

    fn of(micros: &[u64]) -> Cells {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&library(micros), &mut bytes).unwrap();
        Cells::decode(&bytes).unwrap()
    }

    /// Durations that are known: what is told is within 1 % of what was recorded.
    #[test]
    fn percentiles_are_within_one_percent_of_a_known_distribution() {
        let known: Vec<u64> = (1..=1000).map(|step| step * 157).collect();
        let cells = of(&known);
        for (percent, exact) in [(50.0, 78.5), (95.0, 149.15), (99.0, 155.43)] {
            let told = cells.percentile_ms(percent).unwrap();
            assert!((told - exact).abs() / exact < 0.01, "p{percent}: {told} instead of {exact}");
        }
    }

    #[test]
    fn too_few_requests_have_no_percentiles() {
        assert_eq!(of(&[5; 19]).percentile_ms(50.0), None);
        assert_eq!(of(&[5000; 20]).percentile_ms(50.0), Some(5.007_5));
        assert_eq!(Cells::default().percentile_ms(99.0), None);
    }

    #[test]
    fn a_histogram_that_began_anew_has_no_difference() {
        let (long, short) = (of(&[10, 10, 3000]), of(&[10, 3000]));
        assert_eq!(short.since(&long), None);
        assert_eq!(of(&[10]).since(&of(&[3000])), None);
        assert_eq!(long.since(&short), Some(of(&[10])));
        assert_eq!(long.since(&long), Some(Cells::default()));
    }

    fn some_micros() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(1..LONGEST, 0..200)
    }

    proptest! {
        #[test]
        fn a_merged_histogram_is_that_of_the_union(first in some_micros(), second in some_micros()) {
            let union = [first.clone(), second.clone()].concat();
            let mut merged = of(&first);
            merged.add(&of(&second));
            prop_assert_eq!(&merged, &of(&union));
            prop_assert_eq!(merged.since(&of(&first)), Some(of(&second)));
            prop_assert_eq!(merged.pack().unpack(), merged);
        }

        #[test]
        fn percentiles_are_those_of_the_library(micros in prop::collection::vec(1..LONGEST, 20..300)) {
            let (cells, library) = (of(&micros), library(&micros));
            for percent in [50.0, 95.0, 99.0] {
                let theirs = library.median_equivalent(library.value_at_percentile(percent));
                let ours = cells.percentile_ms(percent).unwrap() * 1000.0;
                #[expect(clippy::cast_precision_loss, reason = "a minute of microseconds")]
                let off = (ours - theirs as f64).abs() / theirs as f64;
                prop_assert!(off < 0.005, "p{percent}: {ours} instead of {theirs}");
            }
        }

        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>) {
            let _ = Cells::decode(&bytes);
            let _ = Packed(bytes.into()).unpack();
        }
    }
}
