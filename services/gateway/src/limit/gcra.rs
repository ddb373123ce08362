//! The generic cell rate algorithm: one number per key, exact at any moment.
//!
//! The number is the theoretical arrival time: when the bucket would be full again. Times are
//! nanoseconds on a clock of the caller's choice.

const SECOND: u64 = 1_000_000_000;

/// At most `burst` at once and `per_second` in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) per_second: u32,
    pub(crate) burst: u32,
    /// Of one request, in nanoseconds, rounded up so that the rate is never exceeded.
    interval: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Admitted,
    /// Not before this many nanoseconds from now.
    Refused {
        after: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// How many more would be admitted now.
    pub(crate) remaining: u32,
    /// Nanoseconds until the whole burst is there again.
    pub(crate) full_after: u64,
}

impl Limit {
    /// `None` for a limit that admits nothing.
    pub(crate) fn new(per_second: u32, burst: u32) -> Option<Self> {
        (per_second > 0 && burst > 0).then(|| Self {
            per_second,
            burst,
            interval: SECOND.div_ceil(u64::from(per_second)),
        })
    }

    /// Nanoseconds for one request.
    pub(crate) fn interval(&self) -> u64 {
        self.interval
    }

    /// Nanoseconds that an empty bucket needs to fill.
    pub(crate) fn window(&self) -> u64 {
        self.interval * u64::from(self.burst)
    }

    /// Decides on one request and says what to remember for the key.
    pub(crate) fn decide(&self, arrival: u64, now: u64) -> (Verdict, u64) {
        let window = self.window();
        // Beyond the window lies only what a higher limit left, or a clock that was set back: one interval to wait.
        let arrival = arrival.clamp(now, now + window);
        let next = arrival + self.interval;
        if next - now > window {
            let outcome = Outcome::Refused { after: next - now - window };
            return (Verdict { outcome, remaining: 0, full_after: arrival - now }, arrival);
        }
        let remaining = u32::try_from((window - (next - now)) / self.interval).unwrap_or(self.burst);
        (Verdict { outcome: Outcome::Admitted, remaining, full_after: next - now }, next)
    }
}

impl Verdict {
    /// Whole seconds to wait, at least one; nothing when admitted.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self.outcome {
            Outcome::Admitted => None,
            Outcome::Refused { after } => Some(after.div_ceil(SECOND).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_per_interval() {
        let limit = Limit::new(10, 3).unwrap();
        let mut arrival = 0;
        let mut ask = |now| {
            let (verdict, next) = limit.decide(arrival, now);
            arrival = next;
            verdict
        };
        assert_eq!([ask(0).remaining, ask(0).remaining, ask(0).remaining], [2, 1, 0]);
        let refused = ask(0);
        assert_eq!(refused.outcome, Outcome::Refused { after: SECOND / 10 });
        assert_eq!((refused.remaining, refused.retry_after()), (0, Some(1)));
        assert!(ask(SECOND / 10 - 1).retry_after().is_some());
        assert!(ask(SECOND / 10).retry_after().is_none());
        assert_eq!(ask(10 * SECOND).remaining, 2);
    }

    #[test]
    fn refusals_cost_nothing() {
        let limit = Limit::new(1, 1).unwrap();
        let (_, arrival) = limit.decide(0, 0);
        let after = (0..100).fold(arrival, |arrival, _| limit.decide(arrival, 5).1);
        assert_eq!(after, arrival);
    }

    #[test]
    fn a_limit_that_admits_nothing_does_not_exist() {
        assert_eq!(Limit::new(0, 5), None);
        assert_eq!(Limit::new(5, 0), None);
    }

    proptest! {
        #[test]
        fn no_window_admits_more_than_burst_and_rate_allow(
            per_second in 1_u32..2000,
            burst in 1_u32..50,
            gaps in proptest::collection::vec(0_u64..200_000_000, 1..200),
        ) {
            let limit = Limit::new(per_second, burst).unwrap();
            let (mut arrival, mut now, mut admitted) = (0, 0, Vec::new());
            for gap in gaps {
                now += gap;
                let (verdict, next) = limit.decide(arrival, now);
                arrival = next;
                if verdict.retry_after().is_none() {
                    admitted.push(now);
                }
            }
            for (first, start) in admitted.iter().enumerate() {
                for (last, end) in admitted.iter().enumerate().skip(first) {
                    let count = (last - first + 1) as u128;
                    let earned = u128::from(per_second) * u128::from(end - start) / u128::from(SECOND);
                    prop_assert!(count <= u128::from(burst) + earned);
                }
            }
        }

        #[test]
        fn what_remains_is_what_passes(burst in 1_u32..50, used in 0_u32..60, idle in 0_u64..SECOND) {
            let limit = Limit::new(20, burst).unwrap();
            let (mut arrival, mut last) = (0, None);
            for _ in 0..=used {
                let (verdict, next) = limit.decide(arrival, idle);
                arrival = next;
                last = Some(verdict);
            }
            let promised = last.unwrap().remaining;
            let mut passed = 0;
            while let (Verdict { outcome: Outcome::Admitted, .. }, next) = limit.decide(arrival, idle) {
                arrival = next;
                passed += 1;
            }
            prop_assert_eq!(promised, passed);
        }
    }
}
