//! What a breaker tells: the ring, the observer, causes and traces.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use resilience::breaker::{Breaker, Config, Event, Observer, Outcome, Window};

use super::clock::{TestClock, Timed};

fn strict() -> Config {
    Config { window: Window::Count(2), minimum_calls: 2, half_open_permits: 1, ..Config::resilience4j() }
}

fn names(breaker: &Breaker) -> Vec<&'static str> {
    breaker.events().iter().map(|event| event.kind.as_str()).collect()
}

#[test]
fn every_kind_of_event_is_told_in_order() {
    let timed = Timed::new(strict());
    timed.permit().ignored("status 404");
    drop(timed.permit());
    timed.succeed(1);
    timed.fail(1);
    assert!(timed.breaker.try_acquire().is_err());
    timed.breaker.reset();
    timed.breaker.force_open();
    timed.breaker.disable();
    assert_eq!(
        names(&timed.breaker),
        [
            "IGNORED_ERROR",
            "CANCELLED",
            "SUCCESS",
            "ERROR",
            "FAILURE_RATE_EXCEEDED",
            "STATE_TRANSITION",
            "NOT_PERMITTED",
            "STATE_TRANSITION",
            "RESET",
            "STATE_TRANSITION",
            "FORCED_OPEN",
            "STATE_TRANSITION",
            "DISABLED",
        ]
    );
    let sequences = timed.breaker.events().into_iter().map(|event| event.sequence);
    assert!(sequences.eq(1..=13));
}

#[test]
fn a_disabled_or_forced_open_breaker_is_silent_about_calls() {
    let timed = Timed::new(strict());
    timed.breaker.disable();
    timed.fail(3);
    timed.breaker.force_open();
    assert!(timed.breaker.try_acquire().is_err());
    assert_eq!(names(&timed.breaker), ["STATE_TRANSITION", "DISABLED", "STATE_TRANSITION", "FORCED_OPEN"]);
}

#[test]
fn metrics_only_tells_once_that_a_rate_is_exceeded() {
    let timed = Timed::new(Config { slow_call: Duration::from_secs(1), ..strict() });
    timed.breaker.metrics_only();
    for _ in 0..5 {
        let failure = Outcome::Failure { cause: "timeout".into(), retry_after: None };
        timed.permit().finish_after(failure, Duration::from_secs(2));
    }
    let told = names(&timed.breaker);
    let count = |name| told.iter().filter(|told| **told == name).count();
    assert_eq!((count("FAILURE_RATE_EXCEEDED"), count("SLOW_CALL_RATE_EXCEEDED"), count("ERROR")), (1, 1, 5));
}

#[test]
fn the_ring_keeps_the_newest_hundred() {
    let timed = Timed::new(Config::resilience4j());
    timed.succeed(1000);
    let events = timed.breaker.events();
    assert_eq!((events.len(), events[0].sequence, events[99].sequence), (100, 901, 1000));
}

#[test]
fn a_transition_says_why_and_in_which_trace() {
    let timed = Timed::new(strict());
    timed.fail(1);
    let trace: Arc<str> = Arc::from("4bf92f3577b34da6a3ce929d0e0e4736");
    timed.breaker.try_acquire_in(Some(trace.clone())).unwrap().failure("connect");
    let event = timed.breaker.events().pop().unwrap();
    assert_eq!((event.kind.as_str(), event.trace), ("STATE_TRANSITION", Some(trace.clone())));
    let cause = timed.breaker.snapshot().last_transition.unwrap().cause.to_string();
    assert_eq!(cause, "of 2 calls 100.0 % failed and 0.0 % were slow, the last with: connect");
    assert!(timed.breaker.try_acquire_in(Some(trace.clone())).is_err());
    assert_eq!(timed.breaker.events().pop().unwrap().trace, Some(trace), "so does a rejection");
}

#[test]
fn events_are_told_in_wall_time() {
    let timed = Timed::new(strict());
    let before = SystemTime::now();
    timed.succeed(1);
    timed.clock.advance(Duration::from_hours(1));
    let at = timed.breaker.events()[0].at;
    let ago = SystemTime::now().duration_since(at).unwrap();
    assert!(ago >= Duration::from_hours(1) && at <= before, "it happened an hour ago on the breaker's clock");
}

/// An observer that looks at the breaker would wait for ever if it were called under the lock.
#[test]
fn the_observer_is_told_everything_outside_the_lock() {
    let told: Arc<Mutex<Vec<(String, Event)>>> = Arc::default();
    let watched: Arc<OnceLock<Breaker>> = Arc::default();
    let (told_by, looked_at) = (told.clone(), watched.clone());
    let observer: Observer = Arc::new(move |name, event| {
        looked_at.get().unwrap().snapshot();
        told_by.lock().unwrap().push((name.to_owned(), event.clone()));
    });
    let breaker =
        Breaker::with_clock("user-1", strict(), Some(observer), TestClock::default().reader()).unwrap();
    watched.set(breaker.clone()).unwrap();
    for _ in 0..2 {
        breaker.try_acquire().unwrap().failure("connect");
    }
    assert!(breaker.try_acquire().is_err());
    let told = told.lock().unwrap();
    assert!(told.iter().all(|(name, _)| name == "user-1"));
    let sequences = told.iter().map(|(_, event)| event.sequence);
    assert!(sequences.eq(1..=5), "two errors, the rate, the transition, the rejection: {told:?}");
}
