//! How long to wait before the next attempt.

use std::time::Duration;

use rand::{Rng, RngExt as _};

/// Doubles from `base` up to `max`; `jitter` is the part of a delay (0 to 1) that is drawn at random, so that
/// callers who failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    pub base: Duration,
    pub max: Duration,
    pub jitter: f64,
}

impl Backoff {
    /// The pause before attempt number `made + 1`; `made` attempts have failed, at least one.
    pub fn delay(&self, made: u32, rng: &mut impl Rng) -> Duration {
        // 2^31 times any base in use is far over any maximum.
        let doublings = made.saturating_sub(1).min(31);
        let full = self.base.saturating_mul(1 << doublings).min(self.max);
        full.mul_f64(1.0 - self.jitter.clamp(0.0, 1.0) * rng.random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_delay_doubles_up_to_the_maximum() {
        let backoff = Backoff { base: 10 * MS, max: 100 * MS, jitter: 0.0 };
        let mut rng = StdRng::seed_from_u64(1);
        for (made, expected) in [(0, 10), (1, 10), (2, 20), (3, 40), (4, 80), (5, 100), (u32::MAX, 100)] {
            assert_eq!(backoff.delay(made, &mut rng), expected * MS, "after {made} attempts");
        }
    }

    #[test]
    fn callers_who_fail_together_come_back_apart() {
        let backoff = Backoff { base: 100 * MS, max: 100 * MS, jitter: 1.0 };
        let mut rng = StdRng::seed_from_u64(2);
        let mut first_half = 0;
        for _ in 0..1000 {
            first_half += u32::from(backoff.delay(1, &mut rng) < 50 * MS);
        }
        assert!((400..600).contains(&first_half), "{first_half} of 1000 in the first half");
    }

    proptest! {
        #[test]
        fn a_delay_keeps_its_fixed_part_and_its_maximum(
            base_ms in 0u32..1000, max_ms in 0u32..10_000, jitter in 0.0f64..=1.0, made in 0u32..100, seed: u64,
        ) {
            let backoff = Backoff { base: base_ms * MS, max: max_ms * MS, jitter };
            let delay = backoff.delay(made, &mut StdRng::seed_from_u64(seed));
            let full = Backoff { jitter: 0.0, ..backoff }.delay(made, &mut StdRng::seed_from_u64(seed));
            prop_assert!(delay <= full && full <= max_ms * MS);
            prop_assert!(delay + MS / 1000 >= full.mul_f64(1.0 - jitter));
        }
    }
}
