//! Threads that race for the probes of a half-open breaker.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use resilience::breaker::{Config, Wait, Window};

use super::clock::Timed;

const THREADS: u32 = 64;
const CYCLES: u64 = 100_000;
const TICK: Duration = Duration::from_millis(1);

/// What the threads share, and what they saw.
struct Race {
    timed: Timed,
    probing: AtomicU32,
    most: AtomicU32,
    probes: AtomicU64,
    rejected: AtomicU64,
    over: AtomicBool,
}

/// Each probe fails, so each one is a cycle through open and half-open: one probe may be under way, at any
/// moment, whoever asks.
#[test]
fn no_more_than_one_call_is_in_flight_in_a_half_open_state() {
    let config = Config {
        window: Window::Count(1),
        minimum_calls: 1,
        half_open_permits: 1,
        wait: Wait::fixed(TICK),
        generations: true,
        ..Config::resilience4j()
    };
    let race = Race {
        timed: Timed::new(config),
        probing: AtomicU32::new(0),
        most: AtomicU32::new(0),
        probes: AtomicU64::new(0),
        rejected: AtomicU64::new(0),
        over: AtomicBool::new(false),
    };
    race.timed.fail(1);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| race.run());
        }
    });
    let (probes, rejected) = (race.probes.load(Ordering::SeqCst), race.rejected.load(Ordering::SeqCst));
    assert_eq!(race.most.load(Ordering::SeqCst), 1, "of {probes} probes, {rejected} calls rejected");
    assert!(probes >= CYCLES && rejected > 0, "{probes} probes, {rejected} rejected: no race took place");
    let snapshot = race.timed.breaker.snapshot();
    assert_eq!(snapshot.in_flight, 0);
    assert_eq!(snapshot.totals.failed, probes + 1, "each probe was one cycle");
    assert_eq!(snapshot.totals.opened, probes + 1);
}

impl Race {
    fn run(&self) {
        while !self.over.load(Ordering::Relaxed) {
            let Ok(permit) = self.timed.breaker.try_acquire() else {
                self.rejected.fetch_add(1, Ordering::Relaxed);
                // Time passes, so that the next half-open state is near.
                self.timed.clock.advance(TICK);
                std::thread::yield_now();
                continue;
            };
            assert!(permit.is_probe(), "the breaker never closes in this race");
            let now = self.probing.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            // Now and then everybody else gets a turn while this probe is under way. Not each time: that is
            // sixty context switches a cycle.
            if self.probes.load(Ordering::Relaxed).is_multiple_of(16) {
                std::thread::yield_now();
            }
            self.probing.fetch_sub(1, Ordering::SeqCst);
            if self.probes.fetch_add(1, Ordering::SeqCst) + 1 >= CYCLES {
                self.over.store(true, Ordering::Relaxed);
            }
            permit.failure("probe");
        }
    }
}
