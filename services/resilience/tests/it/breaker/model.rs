//! The windows against models that keep everything and count it anew each time.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;
use resilience::breaker::{Config, Outcome, Snapshot, Window};

use super::clock::Timed;

const SLOW: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug)]
struct Call {
    failed: bool,
    millis: u64,
    second: u64,
}

/// A call after so many milliseconds.
fn call() -> impl Strategy<Value = (u64, Call)> {
    let pause = prop_oneof![3 => 0..50_u64, 2 => 50..1500_u64, 1 => 1500..20_000_u64];
    (pause, any::<bool>(), 95..106_u64)
        .prop_map(|(pause, failed, millis)| (pause, Call { failed, millis, second: 0 }))
}

/// In this state the window is all there is: nothing ever opens.
fn recording(window: Window, minimum_calls: u32) -> Timed {
    let timed = Timed::new(Config { window, minimum_calls, slow_call: SLOW, ..Config::resilience4j() });
    timed.breaker.metrics_only();
    timed
}

fn record(timed: &Timed, call: Call) {
    let outcome = if call.failed {
        Outcome::Failure { cause: "status 500".into(), retry_after: None }
    } else {
        Outcome::Success
    };
    timed.permit().finish_after(outcome, Duration::from_millis(call.millis));
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test are small")]
fn assert_shows(snapshot: &Snapshot, calls: &[Call], minimum: usize) -> Result<(), TestCaseError> {
    let count = |which: &dyn Fn(&Call) -> bool| calls.iter().filter(|call| which(call)).count();
    let slow = |call: &Call| Duration::from_millis(call.millis) > SLOW;
    let (failed, slow_calls) = (count(&|call| call.failed), count(&slow));
    let shown = [snapshot.buffered, snapshot.failed, snapshot.slow, snapshot.slow_failed];
    let expected = [calls.len(), failed, slow_calls, count(&|call| call.failed && slow(call))];
    prop_assert_eq!(shown.map(|count| count as usize), expected);
    let rate = |part: usize| {
        if calls.is_empty() || calls.len() < minimum {
            return -1.0;
        }
        part as f32 * 100.0 / calls.len() as f32
    };
    prop_assert_eq!((snapshot.failure_rate, snapshot.slow_rate), (rate(failed), rate(slow_calls)));
    Ok(())
}

proptest! {
    #[test]
    fn a_count_window_shows_the_last_calls(
        size in 1..20_u32,
        minimum in 1..25_u32,
        calls in prop::collection::vec(call(), 1..80),
    ) {
        let timed = recording(Window::Count(size), minimum);
        let mut last = VecDeque::new();
        for (pause, call) in calls {
            timed.clock.advance(Duration::from_millis(pause));
            record(&timed, call);
            last.push_back(call);
            if last.len() > size as usize {
                last.pop_front();
            }
            assert_shows(&timed.breaker.snapshot(), last.make_contiguous(), minimum.min(size) as usize)?;
        }
    }

    #[test]
    fn a_time_window_shows_the_calls_of_its_seconds(
        seconds in 1..12_u32,
        minimum in 1..25_u32,
        calls in prop::collection::vec(call(), 1..80),
    ) {
        let timed = recording(Window::Time(seconds), minimum);
        let (mut millis, mut all) = (0, Vec::new());
        for (pause, call) in calls {
            millis += pause;
            timed.clock.advance(Duration::from_millis(pause));
            let now = millis / 1000;
            let in_window =
                |all: &[Call]| all.iter().copied().filter(|call| call.second + u64::from(seconds) > now).collect();
            let before: Vec<_> = in_window(&all);
            assert_shows(&timed.breaker.snapshot(), &before, minimum as usize)?;
            record(&timed, call);
            all.push(Call { second: now, ..call });
            let after: Vec<_> = in_window(&all);
            assert_shows(&timed.breaker.snapshot(), &after, minimum as usize)?;
        }
    }
}
