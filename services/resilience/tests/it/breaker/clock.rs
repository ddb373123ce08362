//! A clock that a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resilience::breaker::{Breaker, Clock, Config, Permit, State};

/// Milliseconds since an epoch; clones share them.
#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn advance(&self, by: Duration) {
        let millis =
            u64::try_from(by.as_millis()).expect("tests move the clock by less than 500 million years");
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn reader(&self) -> Clock {
        let shared = self.clone();
        Arc::new(move || Duration::from_millis(shared.0.load(Ordering::SeqCst)))
    }
}

/// A breaker on such a clock.
pub(crate) struct Timed {
    pub(crate) breaker: Breaker,
    pub(crate) clock: TestClock,
}

impl Timed {
    pub(crate) fn new(config: Config) -> Self {
        let clock = TestClock::default();
        let breaker =
            Breaker::with_clock("timed", config, None, clock.reader()).expect("tests use good settings");
        Self { breaker, clock }
    }

    pub(crate) fn succeed(&self, times: u32) {
        for _ in 0..times {
            self.permit().success();
        }
    }

    pub(crate) fn fail(&self, times: u32) {
        for _ in 0..times {
            self.permit().failure("status 503");
        }
    }

    pub(crate) fn permit(&self) -> Permit {
        self.breaker.try_acquire().expect("the breaker lets this call through")
    }

    pub(crate) fn state(&self) -> State {
        self.breaker.snapshot().state
    }

    pub(crate) fn retry_after(&self) -> Duration {
        self.breaker.snapshot().retry_after.expect("the breaker is open")
    }

    /// Just past the open wait: one millisecond less would still be rejected.
    pub(crate) fn wait_out(&self) {
        self.clock.advance(self.retry_after() + Duration::from_millis(1));
    }
}
