//! The outcomes a breaker remembers: a ring of calls, or a ring of seconds, with running sums.

use std::time::Duration;

use super::config::Window;

/// How a recorded call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

/// Sums over some outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) calls: u32,
    pub(super) failed: u32,
    pub(super) slow: u32,
    pub(super) slow_failed: u32,
}

impl Tally {
    fn of(mark: Mark) -> Self {
        Self {
            calls: 1,
            failed: u32::from(mark.failed),
            slow: u32::from(mark.slow),
            slow_failed: u32::from(mark.failed && mark.slow),
        }
    }

    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.slow += other.slow;
        self.slow_failed += other.slow_failed;
    }

    fn subtract(&mut self, other: Self) {
        self.calls -= other.calls;
        self.failed -= other.failed;
        self.slow -= other.slow;
        self.slow_failed -= other.slow_failed;
    }
}

/// A window in use.
#[derive(Clone, Debug)]
pub(super) enum Sliding {
    Count(Ring),
    Time(Seconds),
    /// Remembers nothing: disabled and forced open.
    Nothing,
}

impl Sliding {
    pub(super) fn new(window: Window, now: Duration) -> Self {
        match window {
            Window::Count(size) => Self::Count(Ring::new(size)),
            Window::Time(seconds) => Self::Time(Seconds::new(seconds, now)),
        }
    }

    pub(super) fn record(&mut self, now: Duration, mark: Mark) {
        match self {
            Self::Count(ring) => ring.record(mark),
            Self::Time(seconds) => seconds.record(now, mark),
            Self::Nothing => {}
        }
    }

    /// The sums as of now: what has grown too old is forgotten first.
    pub(super) fn tally(&mut self, now: Duration) -> Tally {
        match self {
            Self::Count(ring) => ring.total,
            Self::Time(seconds) => {
                seconds.slide(now);
                seconds.total
            }
            Self::Nothing => Tally::default(),
        }
    }
}

/// The last N outcomes.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    marks: Vec<Mark>,
    size: usize,
    /// Where the oldest mark lies once the ring is full.
    oldest: usize,
    total: Tally,
}

impl Ring {
    fn new(size: u32) -> Self {
        Self { marks: Vec::new(), size: size as usize, oldest: 0, total: Tally::default() }
    }

    fn record(&mut self, mark: Mark) {
        self.total.add(Tally::of(mark));
        if self.marks.len() < self.size {
            self.marks.push(mark);
            return;
        }
        let gone = std::mem::replace(&mut self.marks[self.oldest], mark);
        self.total.subtract(Tally::of(gone));
        self.oldest = (self.oldest + 1) % self.size;
    }
}

/// One bucket for each of the last N seconds of the clock, the current one included.
#[derive(Clone, Debug)]
pub(super) struct Seconds {
    buckets: Vec<Tally>,
    /// Index of the current second's bucket.
    head: usize,
    second: u64,
    total: Tally,
}

impl Seconds {
    fn new(seconds: u32, now: Duration) -> Self {
        Self {
            buckets: vec![Tally::default(); seconds as usize],
            head: 0,
            second: now.as_secs(),
            total: Tally::default(),
        }
    }

    fn record(&mut self, now: Duration, mark: Mark) {
        self.slide(now);
        let one = Tally::of(mark);
        self.buckets[self.head].add(one);
        self.total.add(one);
    }

    /// Empties the buckets of the seconds that passed since the last call. A `now` before the last one (two
    /// threads read the clock, then met at the lock in the other order) belongs to the current second.
    fn slide(&mut self, now: Duration) {
        let passed = now.as_secs().saturating_sub(self.second);
        let len = self.buckets.len();
        for _ in 0..passed.min(len as u64) {
            self.head = (self.head + 1) % len;
            let gone = std::mem::take(&mut self.buckets[self.head]);
            self.total.subtract(gone);
        }
        self.second += passed;
    }
}
