//! How many frames a connection may send: a bucket of tokens, and a smaller patience with who ignores it. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// Far above what a person can type, and what a client sends that catches up after a pause.
const FRAMES: Bucket = Bucket::new(30.0, 10.0);
/// Refusals before the connection is cut.
const REFUSALS: Bucket = Bucket::new(100.0, 5.0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    Refuse,
    /// The client does not listen.
    Cut,
}

#[derive(Debug)]
pub(super) struct Throttle {
    frames: Bucket,
    refusals: Bucket,
    at: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    burst: f64,
    per_second: f64,
}

impl Throttle {
    pub(super) const fn new(now: Instant) -> Self {
        Self { frames: FRAMES, refusals: REFUSALS, at: now }
    }

    pub(super) fn take(&mut self, now: Instant) -> Verdict {
        let passed = now.duration_since(self.at);
        self.at = now;
        if self.frames.take(passed) {
            self.refusals.refill(passed);
            Verdict::Pass
        } else if self.refusals.take(passed) {
            Verdict::Refuse
        } else {
            Verdict::Cut
        }
    }
}

impl Bucket {
    const fn new(burst: f64, per_second: f64) -> Self {
        Self { left: burst, burst, per_second }
    }

    fn refill(&mut self, passed: Duration) {
        self.left = passed.as_secs_f64().mul_add(self.per_second, self.left).min(self.burst);
    }

    fn take(&mut self, passed: Duration) -> bool {
        self.refill(passed);
        let there = self.left >= 1.0;
        if there {
            self.left -= 1.0;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_a_steady_rate_and_a_flood_is_cut() {
        let start = Instant::now();
        let mut throttle = Throttle::new(start);
        let mut take = |ms: u64| throttle.take(start + Duration::from_millis(ms));
        assert!((0..30).all(|_| take(0) == Verdict::Pass));
        assert_eq!(take(0), Verdict::Refuse);
        assert_eq!(take(100), Verdict::Pass, "ten a second");
        assert_eq!(take(100), Verdict::Refuse);
        let refused = (0..1000).take_while(|_| take(100) == Verdict::Refuse).count();
        assert!((90..110).contains(&refused), "{refused}");
        assert_eq!(take(100), Verdict::Cut);
    }

    #[test]
    fn who_only_exceeds_the_rate_a_little_is_never_cut() {
        let start = Instant::now();
        let mut throttle = Throttle::new(start);
        let verdicts: Vec<_> =
            (0..10_000).map(|n| throttle.take(start + Duration::from_millis(n * 80))).collect();
        assert!(verdicts.contains(&Verdict::Refuse) && !verdicts.contains(&Verdict::Cut));
    }
}
