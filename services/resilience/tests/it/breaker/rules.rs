//! The reference's rules one by one, where the recorded traces do not reach: they know time windows only.

use std::time::Duration;

use resilience::breaker::{Breaker, Config, ConfigError, Outcome, State, Wait, Window};

use super::clock::Timed;

const SECOND: Duration = Duration::from_secs(1);

fn counting(size: u32, minimum_calls: u32) -> Config {
    Config { window: Window::Count(size), minimum_calls, ..Config::resilience4j() }
}

#[test]
fn a_count_window_slides() {
    let timed = Timed::new(counting(10, 10));
    timed.succeed(1000);
    timed.fail(4);
    let snapshot = timed.breaker.snapshot();
    assert_eq!((snapshot.buffered, snapshot.failure_rate), (10, 40.0));
    timed.fail(1);
    assert_eq!(timed.state(), State::Open, "five of the last ten failed");
}

#[test]
fn the_minimum_is_capped_by_a_count_window() {
    let timed = Timed::new(counting(5, 100));
    timed.fail(4);
    let snapshot = timed.breaker.snapshot();
    assert_eq!((snapshot.buffered, snapshot.failure_rate), (4, -1.0));
    timed.fail(1);
    assert_eq!(timed.state(), State::Open);
}

#[test]
fn both_thresholds_are_inclusive_and_slow_is_strictly_longer() {
    let config = Config { slow_rate: 50.0, slow_call: SECOND, ..counting(4, 4) };
    let timed = Timed::new(config);
    let mut snapshots = Vec::new();
    for millis in [1000, 1000, 1001, 1001] {
        timed.permit().finish_after(Outcome::Success, Duration::from_millis(millis));
        snapshots.push(timed.breaker.snapshot());
    }
    assert_eq!(snapshots.iter().map(|snapshot| snapshot.slow).collect::<Vec<_>>(), [0, 0, 1, 2]);
    assert_eq!(
        snapshots[3].state,
        State::Open,
        "a success can open the breaker: half of the calls were slow"
    );
}

#[test]
fn an_error_can_close_the_breaker() {
    let timed = Timed::new(Config { failure_rate: 60.0, half_open_permits: 2, ..counting(2, 2) });
    timed.fail(2);
    timed.wait_out();
    timed.succeed(1);
    timed.fail(1);
    assert_eq!(timed.state(), State::Closed, "50 % of the probes failed, and 60 % would open it");
    assert_eq!(timed.breaker.snapshot().buffered, 0, "a closed breaker begins a fresh window");
}

#[test]
fn an_open_breaker_rejects_until_strictly_after_its_wait() {
    let timed = Timed::new(Config { wait: Wait::fixed(SECOND), ..counting(2, 2) });
    timed.fail(2);
    timed.clock.advance(SECOND);
    let rejected = timed.breaker.try_acquire().unwrap_err();
    assert_eq!((rejected.state, rejected.retry_after), (State::Open, Some(Duration::ZERO)));
    timed.clock.advance(Duration::from_millis(1));
    assert_eq!(timed.state(), State::Open, "no timer runs: the next call turns it half-open");
    let permit = timed.permit();
    assert!(permit.is_probe());
    assert_eq!(timed.state(), State::HalfOpen);
    permit.success();
}

#[test]
fn ignored_and_cancelled_probes_give_their_permit_back_and_outcomes_do_not() {
    let timed = Timed::new(Config { half_open_permits: 2, ..counting(2, 2) });
    timed.fail(2);
    timed.wait_out();
    let left = || timed.breaker.snapshot().probes_left;
    let (first, second) = (timed.permit(), timed.permit());
    assert_eq!(left(), Some(0));
    assert_eq!(timed.breaker.try_acquire().unwrap_err().state, State::HalfOpen);
    first.ignored("status 404");
    assert_eq!(left(), Some(1));
    drop(second);
    assert_eq!(left(), Some(2));
    timed.succeed(1);
    assert_eq!((left(), timed.state()), (Some(1), State::HalfOpen));
    timed.succeed(1);
    assert_eq!((left(), timed.state()), (None, State::Closed));
}

#[test]
fn a_half_open_state_lasts_for_ever_by_default_in_the_reference() {
    let timed = Timed::new(Config { half_open_permits: 1, ..counting(2, 2) });
    timed.fail(2);
    timed.wait_out();
    let probe = timed.permit();
    timed.clock.advance(Duration::from_hours(24));
    assert!(timed.breaker.try_acquire().is_err());
    probe.finish_after(Outcome::Success, SECOND);
    assert_eq!(timed.state(), State::Closed);
}

/// Rule 9 of the reference, which `generations` changes.
#[test]
fn without_generations_a_late_outcome_passes_for_a_probes() {
    let timed = Timed::new(Config { half_open_permits: 1, ..counting(2, 2) });
    let late = timed.permit();
    timed.fail(2);
    timed.wait_out();
    let probe = timed.permit();
    late.finish_after(Outcome::Success, SECOND);
    assert_eq!(timed.state(), State::Closed);
    probe.failure("connect");
}

#[test]
fn a_disabled_breaker_lets_everything_pass_and_records_nothing() {
    let timed = Timed::new(counting(2, 2));
    timed.breaker.disable();
    timed.fail(50);
    let snapshot = timed.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.buffered, snapshot.failure_rate), (State::Disabled, 0, -1.0));
}

#[test]
fn metrics_only_lets_everything_pass_and_records_it() {
    let timed = Timed::new(counting(2, 2));
    timed.breaker.metrics_only();
    timed.fail(50);
    let snapshot = timed.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.buffered, snapshot.failure_rate), (State::MetricsOnly, 2, 100.0));
}

#[test]
fn a_forced_open_breaker_rejects_and_counts_until_it_is_closed() {
    let timed = Timed::new(counting(2, 2));
    timed.breaker.force_open();
    timed.clock.advance(Duration::from_hours(24));
    for _ in 0..3 {
        assert_eq!(timed.breaker.try_acquire().unwrap_err().retry_after, None);
    }
    assert_eq!(timed.breaker.snapshot().not_permitted, 3);
    timed.breaker.close();
    timed.succeed(1);
    assert_eq!(timed.state(), State::Closed);
}

#[test]
fn a_setting_out_of_its_range_is_named() {
    let good = Config::default;
    let wait = good().wait;
    for (field, config) in [
        ("window", Config { window: Window::Count(0), ..good() }),
        ("window", Config { window: Window::Time(3601), ..good() }),
        ("minimum_calls", Config { minimum_calls: 0, ..good() }),
        ("failure_rate", Config { failure_rate: 0.0, ..good() }),
        ("slow_rate", Config { slow_rate: 100.1, ..good() }),
        ("slow_rate", Config { slow_rate: f32::NAN, ..good() }),
        ("half_open_permits", Config { half_open_permits: 0, ..good() }),
        ("wait.initial", Config { wait: Wait::fixed(Duration::ZERO), ..good() }),
        ("wait.factor", Config { wait: Wait { factor: 0.5, ..wait.clone() }, ..good() }),
        ("wait.max", Config { wait: Wait { max: Duration::from_millis(1), ..wait.clone() }, ..good() }),
        ("wait.jitter", Config { wait: Wait { jitter: 1.0, ..wait.clone() }, ..good() }),
        ("consecutive_failures", Config { consecutive_failures: Some(0), ..good() }),
    ] {
        let ConfigError { field: named, .. } = Breaker::new("wrong", config, None).unwrap_err();
        assert_eq!(named, field);
    }
    assert!(Breaker::new("good", good(), None).is_ok());
    assert!(Breaker::new("reference", Config::resilience4j(), None).is_ok());
}
