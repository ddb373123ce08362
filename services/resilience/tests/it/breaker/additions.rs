//! What the reference lacks, each a field of the settings.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use resilience::breaker::{Cause, Config, Overdue, State, Wait, Window};

use super::clock::Timed;

const SECOND: Duration = Duration::from_secs(1);

/// Opens after two failures of two calls, tries one probe; nothing else of ours.
fn strict() -> Config {
    Config {
        window: Window::Count(2),
        minimum_calls: 2,
        half_open_permits: 1,
        wait: Wait::fixed(SECOND),
        ..Config::resilience4j()
    }
}

fn opened(config: Config) -> Timed {
    let timed = Timed::new(config);
    timed.fail(2);
    assert_eq!(timed.state(), State::Open);
    timed
}

#[test]
fn a_late_outcome_of_an_older_generation_decides_nothing() {
    let timed = Timed::new(Config { generations: true, ..strict() });
    let (late_success, late_failure) = (timed.permit(), timed.permit());
    timed.fail(2);
    timed.wait_out();
    let probe = timed.permit();
    late_success.success();
    assert_eq!(timed.state(), State::HalfOpen, "it cannot close the breaker for the probe");
    probe.failure("connect");
    timed.wait_out();
    let probe = timed.permit();
    late_failure.failure_with_retry_after("status 503", Duration::from_hours(1));
    let snapshot = timed.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.buffered), (State::HalfOpen, 0), "nor open it, nor fill its window");
    assert_eq!(snapshot.totals.stale, 2);
    probe.success();
    assert_eq!(timed.state(), State::Closed);
}

#[test]
fn a_late_cancellation_frees_no_probe() {
    let timed = Timed::new(Config { generations: true, ..strict() });
    let late = timed.permit();
    timed.fail(2);
    timed.wait_out();
    let probe = timed.permit();
    drop(late);
    assert!(timed.breaker.try_acquire().is_err(), "the only probe is under way");
    drop(probe);
    timed.permit().success();
    assert_eq!(timed.state(), State::Closed);
}

#[test]
fn failures_in_a_row_open_it_when_there_is_too_little_traffic_for_a_rate() {
    let timed = Timed::new(Config::default());
    timed.fail(4);
    timed.succeed(1);
    timed.fail(4);
    assert_eq!(timed.state(), State::Closed, "a success begins the row anew");
    timed.fail(1);
    let snapshot = timed.breaker.snapshot();
    assert_eq!(snapshot.state, State::Open);
    let Some(Cause::Rates { calls: 10, .. } | Cause::ConsecutiveFailures { count: 5, .. }) =
        snapshot.last_transition.map(|last| last.cause)
    else {
        panic!("the cause says what was counted");
    };
}

#[test]
fn a_row_of_failures_says_how_long_it_was_and_what_came_last() {
    let timed = Timed::new(Config::default());
    timed.fail(4);
    timed.permit().failure("connect");
    let cause = timed.breaker.snapshot().last_transition.unwrap().cause;
    assert_eq!(cause, Cause::ConsecutiveFailures { count: 5, last_error: Some("connect".into()) });
    assert_eq!(cause.to_string(), "5 calls in a row failed, the last with: connect");
}

#[test]
fn a_retry_after_makes_the_open_wait_longer_but_not_longer_than_its_cap() {
    let cap = Duration::from_mins(1);
    for (hint, wait) in [
        (Duration::from_millis(10), SECOND),
        (Duration::from_secs(30), Duration::from_secs(30)),
        (Duration::from_hours(1), cap),
    ] {
        let timed = Timed::new(Config { retry_after_cap: Some(cap), ..strict() });
        timed.fail(1);
        timed.permit().failure_with_retry_after("status 429", hint);
        assert_eq!(timed.retry_after(), wait, "hint {hint:?}");
    }
}

#[test]
fn a_retry_after_of_an_earlier_failure_still_holds_when_it_opens() {
    let timed = Timed::new(Config { retry_after_cap: Some(Duration::from_mins(1)), ..strict() });
    timed.permit().failure_with_retry_after("status 503", Duration::from_secs(20));
    timed.clock.advance(Duration::from_secs(5));
    timed.fail(1);
    assert_eq!(timed.retry_after(), Duration::from_secs(15));
}

#[test]
fn a_hint_is_ignored_without_a_cap() {
    let timed = Timed::new(strict());
    timed.fail(1);
    timed.permit().failure_with_retry_after("status 503", Duration::from_hours(1));
    assert_eq!(timed.retry_after(), SECOND);
}

#[test]
fn the_open_wait_grows_with_each_failed_probe_and_begins_anew_after_a_recovery() {
    let max = Duration::from_secs(5);
    let timed = opened(Config { wait: Wait { initial: SECOND, factor: 2.0, max, jitter: 0.0 }, ..strict() });
    let mut waits = Vec::new();
    for _ in 0..4 {
        waits.push(timed.retry_after().as_secs());
        timed.wait_out();
        timed.fail(1);
    }
    assert_eq!(waits, [1, 2, 4, 5]);
    timed.wait_out();
    timed.succeed(1);
    timed.fail(2);
    assert_eq!(timed.retry_after(), SECOND);
}

#[test]
fn jitter_spreads_the_waits_within_its_share_and_below_the_maximum() {
    let wait = Wait { initial: SECOND, factor: 10.0, max: Duration::from_secs(10), jitter: 0.2 };
    let mut rng = SmallRng::seed_from_u64(7);
    let first: Vec<_> = (0..1000).map(|_| wait.of(1, &mut rng)).collect();
    let (low, high) = (first.iter().min().unwrap(), first.iter().max().unwrap());
    assert!((Duration::from_millis(800)..Duration::from_millis(810)).contains(low), "{low:?}");
    assert!((Duration::from_millis(1190)..=Duration::from_millis(1200)).contains(high), "{high:?}");
    assert!((0..1000).all(|_| wait.of(2, &mut rng) <= wait.max));
    assert_eq!(Wait::doubling(SECOND).of(u32::MAX, &mut rng), Duration::MAX, "it never overflows");
}

#[test]
fn a_half_open_state_that_lasts_too_long_ends_where_it_should() {
    for (overdue, answered, failed, end) in [
        (Overdue::Open, 1, 0, State::Open),
        (Overdue::Close, 0, 1, State::Closed),
        (Overdue::Judge, 1, 0, State::Closed),
        (Overdue::Judge, 0, 1, State::Open),
        (Overdue::Judge, 0, 0, State::Open),
    ] {
        let timed = opened(Config {
            window: Window::Count(3),
            minimum_calls: 3,
            half_open_permits: 3,
            consecutive_failures: Some(2),
            max_half_open_wait: Duration::from_secs(10),
            overdue,
            ..strict()
        });
        timed.wait_out();
        let hanging = timed.permit();
        timed.succeed(answered);
        timed.fail(failed);
        timed.clock.advance(Duration::from_secs(10));
        assert_eq!(timed.state(), State::HalfOpen, "not before the end");
        timed.clock.advance(Duration::from_millis(1));
        assert_eq!(timed.state(), end, "{overdue:?} with {answered} answered and {failed} failed");
        drop(hanging);
    }
}

/// Nobody called for a day: the first call is a probe, it does not have to sit out a wait that began now.
#[test]
fn an_overdue_half_open_state_ended_when_it_became_overdue() {
    let config = Config { max_half_open_wait: Duration::from_secs(10), half_open_permits: 2, ..strict() };
    let timed = opened(config);
    timed.wait_out();
    let hanging = timed.permit();
    timed.clock.advance(Duration::from_hours(24));
    assert!(timed.permit().is_probe());
    assert_eq!(timed.breaker.snapshot().totals.opened, 2);
    drop(hanging);
}

#[test]
fn an_automatic_breaker_turns_half_open_without_a_call() {
    let timed = opened(Config { automatic_half_open: true, ..strict() });
    timed.clock.advance(SECOND);
    timed.breaker.tick();
    assert_eq!(timed.state(), State::Open);
    timed.clock.advance(Duration::from_millis(1));
    timed.breaker.tick();
    assert_eq!(timed.state(), State::HalfOpen);
}
