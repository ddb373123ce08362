//! Calls that are dropped while they are under way.

use std::future::pending;
use std::time::Duration;

use resilience::breaker::{Breaker, Config, State, Window};
use tokio::task::JoinSet;

const CALLS: u32 = 10_000;

/// A call that never answers; it holds its permit while it waits.
async fn hanging_call(breaker: Breaker) {
    let permit = breaker.try_acquire().expect("nothing failed, so everything passes");
    pending::<()>().await;
    permit.success();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_dropped_in_flight_leave_no_permit_behind() {
    let breaker = Breaker::new("hanging", Config::default(), None).unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        calls.spawn(hanging_call(breaker.clone()));
    }
    while breaker.snapshot().in_flight < CALLS {
        tokio::task::yield_now().await;
    }
    calls.shutdown().await;
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.buffered), (0, 0), "no permit is out, nothing was learnt");
    assert_eq!(snapshot.totals.cancelled, u64::from(CALLS));
    assert_eq!(snapshot.state, State::Closed);
}

/// The case the reference gets stuck in: the only probes of a half-open breaker are dropped, again and again.
#[tokio::test(start_paused = true)]
async fn probes_dropped_in_flight_never_use_up_the_half_open_permits() {
    let config =
        Config { window: Window::Count(1), minimum_calls: 1, half_open_permits: 2, ..Config::resilience4j() };
    let wait = config.wait.initial + Duration::from_millis(1);
    let breaker = Breaker::new("hanging", config, None).unwrap();
    breaker.try_acquire().unwrap().failure("connect");
    tokio::time::advance(wait).await;
    for _ in 0..CALLS {
        let call = tokio::time::timeout(Duration::from_millis(1), hanging_call(breaker.clone()));
        assert!(call.await.is_err(), "the caller gave up");
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.probes_left, snapshot.in_flight), (State::HalfOpen, Some(2), 0));
    assert_eq!(snapshot.totals.cancelled, u64::from(CALLS));
    for _ in 0..2 {
        breaker.try_acquire().unwrap().success();
    }
    assert_eq!(breaker.snapshot().state, State::Closed);
}
