//! How fast a part goes: how large its next chunk is, and how many items it does in a second.

use std::time::Duration;

use crate::engine::Sizes;

/// A chunk is to take so long: short enough to stop, to hand over and to show progress at once, long enough for its
/// commit not to matter.
const AIM: Duration = Duration::from_millis(500);
/// One chunk says little: its successor is at most twice as large, and at least half.
const STEP: f64 = 2.0;
/// The rate follows the last seconds: what is older than this counts for a third.
const MEMORY: Duration = Duration::from_secs(5);

/// The size of the chunk behind one of `size` that has read `items` and taken `took`. One that was not full says
/// nothing about larger ones.
pub fn next_size(sizes: Sizes, size: u32, items: u64, took: Duration) -> u32 {
    if items == 0 {
        return size;
    }
    let factor = AIM.as_secs_f64() / took.as_secs_f64().max(0.001);
    let most = if items < u64::from(size) { 1.0 } else { STEP };
    let wanted = f64::from(size) * factor.clamp(1.0 / STEP, most);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it saturates, and is positive"
    )]
    let rounded = wanted.round() as u32;
    rounded.max(sizes.least).min(sizes.most).max(1)
}

/// Items per second, of the last seconds rather than of all time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(Option<f64>);

impl Rate {
    pub const fn known(per_second: Option<f64>) -> Self {
        Self(per_second)
    }

    /// After `took`, in which `items` were done.
    #[must_use]
    pub fn after(self, items: u64, took: Duration) -> Self {
        let secs = took.as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
        let latest = items as f64 / secs;
        let Self(Some(before)) = self else { return Self(Some(latest)) };
        let weight = 1.0 - (-secs / MEMORY.as_secs_f64()).exp();
        Self(Some(weight.mul_add(latest - before, before)))
    }

    pub fn per_second(self) -> f64 {
        self.0.unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const SIZES: Sizes = Sizes { first: 100, least: 10, most: 1000 };

    #[test]
    fn the_next_chunk_is_larger_after_a_fast_one_and_smaller_after_a_slow_one() {
        let table = [
            // as aimed
            (100, 100, 500 * MS, 100),
            (100, 100, 400 * MS, 125),
            (100, 100, 625 * MS, 80),
            // at most twice, at least half
            (100, 100, Duration::ZERO, 200),
            (100, 100, 60_000 * MS, 50),
            // within the step's sizes
            (800, 800, 10 * MS, 1000),
            (12, 12, 60_000 * MS, 10),
            // a chunk that was not full says nothing about larger ones, but a slow one is slow
            (100, 3, 10 * MS, 100),
            (100, 3, 1000 * MS, 50),
            // waiting for somebody is no work
            (100, 0, 5000 * MS, 100),
        ];
        for (size, items, took, expected) in table {
            assert_eq!(next_size(SIZES, size, items, took), expected, "{size}, {items} in {took:?}");
        }
    }

    #[test]
    fn the_rate_forgets_what_was_long_ago() {
        let slow = Rate::known(None).after(10, 1000 * MS);
        assert!((slow.per_second() - 10.0).abs() < 1e-9, "{slow:?}");
        let fast = (0..20).fold(slow, |rate, _| rate.after(1000, 1000 * MS));
        assert!((900.0..1000.0).contains(&fast.per_second()), "{fast:?}");
    }

    proptest! {
        #[test]
        fn sizes_keep_their_bounds_and_settle_where_a_chunk_takes_what_is_aimed_at(
            least in 1_u32..50, span in 0_u32..5000, first in 1_u32..5000, per_item_us in 1_u64..100_000,
        ) {
            let sizes = Sizes { first, least, most: least + span };
            let mut size = first.clamp(sizes.least, sizes.most);
            let ideal = 500_000 / per_item_us;
            for _ in 0..40 {
                let next = next_size(sizes, size, size.into(), Duration::from_micros(per_item_us * u64::from(size)));
                prop_assert!((sizes.least..=sizes.most).contains(&next));
                prop_assert!(f64::from(next) <= f64::from(size) * 2.0 + 1.0);
                size = next;
            }
            let expected = ideal.clamp(sizes.least.into(), sizes.most.into());
            prop_assert!(u64::from(size).abs_diff(expected) <= expected / 10 + 1, "{} and not {}", size, expected);
        }

        #[test]
        fn a_rate_lies_between_what_it_was_and_what_it_saw(before in 0.0_f64..1e6, items in 0_u64..100_000, ms in 1_u64..60_000) {
            let took = Duration::from_millis(ms);
            let latest = Rate::known(None).after(items, took).per_second();
            let rate = Rate::known(Some(before)).after(items, took).per_second();
            prop_assert!(rate >= before.min(latest) - 1e-6 && rate <= before.max(latest) + 1e-6);
        }
    }
}
