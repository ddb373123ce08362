//! A high quantile of recent latencies in constant space.

use std::time::Duration;

use tokio::time::Instant;

/// Each bucket's upper edge is this much above the one before: the quantile is exact to 10 %.
const GROWTH: f64 = 1.1;
/// From 1 ms (timers know nothing shorter) to `1.1^99` ms, which is 12.5 s: no request takes longer.
const BUCKETS: usize = 100;
/// How long a generation collects; the quantile is taken over this one and the one before.
const GENERATION: Duration = Duration::from_secs(30);
/// Fewer samples have no 95th percentile. A generation collects until it has them.
const ENOUGH: u32 = 20;

#[derive(Debug)]
pub(super) struct Sketch {
    since: Instant,
    current: Generation,
    previous: Generation,
}

#[derive(Debug)]
struct Generation {
    buckets: [u32; BUCKETS],
    total: u32,
}

impl Generation {
    const EMPTY: Self = Self { buckets: [0; BUCKETS], total: 0 };
}

impl Sketch {
    pub(super) const fn new(now: Instant) -> Self {
        Self { since: now, current: Generation::EMPTY, previous: Generation::EMPTY }
    }

    pub(super) fn add(&mut self, latency: Duration, now: Instant) {
        if self.current.total >= ENOUGH && now.saturating_duration_since(self.since) >= GENERATION {
            self.previous = std::mem::replace(&mut self.current, Generation::EMPTY);
            self.since = now;
        }
        self.current.buckets[bucket(latency)] += 1;
        self.current.total += 1;
    }

    /// The upper edge of the bucket that holds the quantile; nothing while there are too few samples.
    pub(super) fn quantile(&self, quantile: f64) -> Option<Duration> {
        let total = self.current.total + self.previous.total;
        if total < ENOUGH {
            return None;
        }
        let rank = (f64::from(total) * quantile).ceil();
        let mut seen = 0;
        let pairs = self.current.buckets.iter().zip(&self.previous.buckets);
        let at = pairs.enumerate().find_map(|(at, (current, previous))| {
            seen += current + previous;
            (f64::from(seen) >= rank).then_some(at)
        });
        at.map(edge)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at least 1 before the logarithm"
)]
fn bucket(latency: Duration) -> usize {
    let ms = (latency.as_secs_f64() * 1000.0).max(1.0);
    // A latency on an edge belongs below it, whatever the last bit of the logarithm says.
    let edges = (ms.ln() / GROWTH.ln() - 1e-9).ceil().max(0.0);
    (edges as usize).min(BUCKETS - 1)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "below BUCKETS")]
fn edge(bucket: usize) -> Duration {
    Duration::from_secs_f64(GROWTH.powi(bucket as i32) / 1000.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn too_few_samples_have_no_quantile() {
        let now = Instant::now();
        let mut sketch = Sketch::new(now);
        for _ in 1..ENOUGH {
            sketch.add(Duration::from_millis(5), now);
            assert_eq!(sketch.quantile(0.95), None);
        }
        sketch.add(Duration::from_millis(5), now);
        assert!(sketch.quantile(0.95).is_some());
    }

    #[test]
    fn what_is_two_generations_old_is_forgotten() {
        let start = Instant::now();
        let mut sketch = Sketch::new(start);
        for (generation, ms) in [(0, 1000), (1, 10), (2, 10)] {
            let now = start + GENERATION * generation;
            (0..100).for_each(|_| sketch.add(Duration::from_millis(ms), now));
            let slow = sketch.quantile(0.95).unwrap() > Duration::from_millis(900);
            assert_eq!(slow, generation < 2, "in generation {generation}");
        }
    }

    #[test]
    fn a_quiet_target_is_not_forgotten() {
        let start = Instant::now();
        let mut sketch = Sketch::new(start);
        for second in 0..200 {
            sketch.add(Duration::from_millis(10), start + Duration::from_secs(10) * second);
            assert_eq!(sketch.quantile(0.95).is_some(), second + 1 >= ENOUGH, "after {second} samples");
        }
    }

    proptest! {
        #[test]
        fn the_quantile_is_exact_to_a_bucket(mut micros in prop::collection::vec(1u64..12_000_000, 20..400)) {
            let now = Instant::now();
            let mut sketch = Sketch::new(now);
            for &us in &micros {
                sketch.add(Duration::from_micros(us), now);
            }
            micros.sort_unstable();
            let rank = (micros.len() * 95).div_ceil(100) - 1;
            let exact = Duration::from_micros(micros[rank]).max(Duration::from_millis(1));
            let found = sketch.quantile(0.95).unwrap();
            prop_assert!(found >= exact.mul_f64(1.0 - 1e-6) && found <= exact.mul_f64(GROWTH + 1e-6), "{found:?} for {exact:?}");
        }
    }
}
