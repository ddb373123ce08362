//! The limit against a service whose capacity is known.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::gradient::Gradient2;
use super::{Config, Limiter};

const CONFIG: Config = Config { initial: 20, min: 4, max: 200 };
const MS: Duration = Duration::from_millis(1);

/// A service that does `workers` requests at once, each in `work`; the others wait.
struct Model {
    gradient: Gradient2,
    now: Instant,
    workers: u32,
    work: Duration,
}

impl Model {
    fn new(workers: u32, work: Duration) -> Self {
        Self { gradient: Gradient2::new(CONFIG), now: Instant::now(), workers, work }
    }

    /// Keeps `demand` requests in flight (at most the limit) for `time`; the highest limit seen.
    fn run(&mut self, demand: u32, time: Duration) -> u32 {
        let end = self.now + time;
        let mut most = 0;
        while self.now < end {
            let in_flight = demand.min(self.gradient.limit());
            let rtt = self.work.mul_f64((f64::from(in_flight) / f64::from(self.workers)).max(1.0));
            self.now += rtt / in_flight;
            self.gradient.update(self.now, rtt, in_flight, false);
            most = most.max(self.gradient.limit());
        }
        most
    }
}

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn the_limit_settles_a_little_above_what_the_service_can_do() {
    let mut model = Model::new(10, 10 * MS);
    model.run(5, MINUTE / 6);
    model.run(1000, MINUTE / 2);
    let limit = model.gradient.limit();
    assert!((10..=25).contains(&limit), "{limit} for 10 workers");
}

#[test]
fn an_hour_of_overload_does_not_make_it_look_normal() {
    let mut model = Model::new(10, 10 * MS);
    model.run(5, MINUTE / 6);
    let most = model.run(1000, 60 * MINUTE);
    assert!(most <= 30, "grew to {most} for 10 workers");
}

#[test]
fn overload_from_the_first_request_is_seen_through() {
    let mut model = Model::new(4, 10 * MS);
    model.run(1000, 5 * MINUTE);
    let most = model.run(1000, 5 * MINUTE);
    assert!(most <= 14, "still {most} for 4 workers");
}

#[test]
fn few_requests_do_not_raise_the_limit() {
    let mut model = Model::new(10, 10 * MS);
    assert_eq!(model.run(9, 5 * MINUTE), 20);
    assert!(model.run(11, MINUTE) > 20, "half of the limit is enough to grow");
}

#[test]
fn more_capacity_is_found() {
    let mut model = Model::new(10, 10 * MS);
    model.run(1000, MINUTE);
    model.workers = 50;
    model.run(1000, MINUTE / 2);
    let limit = model.gradient.limit();
    assert!((50..=90).contains(&limit), "{limit} for 50 workers");
}

#[test]
fn a_service_that_became_slower_for_good_gets_its_limit_back() {
    let mut model = Model::new(40, 10 * MS);
    model.run(5, MINUTE / 6);
    model.run(1000, MINUTE / 2);
    assert!(model.gradient.limit() >= 40);
    model.work = 50 * MS;
    model.run(1000, MINUTE / 6);
    assert!(model.gradient.limit() < 20, "slowness is taken for overload at first");
    model.run(1000, 2 * MINUTE);
    let most = model.run(1000, MINUTE);
    assert!(most >= 40, "only {most} for 40 workers");
}

#[test]
fn a_slow_start_is_forgotten_in_seconds() {
    let mut model = Model::new(10, 100 * MS);
    model.run(5, MINUTE);
    model.work = 10 * MS;
    model.run(5, MINUTE / 6);
    let most = model.run(1000, MINUTE / 2);
    assert!(most <= 40, "grew to {most} for 10 workers");
}

#[test]
fn the_lowered_limit_waits_for_requests_that_began_under_it() {
    let mut model = Model::new(10, 10 * MS);
    let lowered = |model: &Model| model.gradient.limit() <= 8;
    while !lowered(&model) {
        model.run(1000, 10 * MS);
    }
    let mut answer = |in_flight| {
        for _ in 0..100 {
            model.now += 10 * MS;
            model.gradient.update(model.now, 30 * MS, in_flight, false);
        }
        lowered(&model)
    };
    assert!(answer(20), "these waited behind others and say nothing");
    assert!(!answer(3));
}

#[test]
fn failures_by_overload_shrink_the_limit_by_their_share() {
    let mut limits = Vec::new();
    for every in [u32::MAX, 20, 4, 1] {
        let mut gradient = Gradient2::new(CONFIG);
        let mut now = Instant::now();
        for sample in 1..=2000 {
            now += 10 * MS;
            gradient.update(now, 10 * MS, gradient.limit(), sample % every == 0);
        }
        limits.push(gradient.limit());
    }
    assert!(limits.is_sorted_by(|more, fewer| more > fewer), "{limits:?}");
    assert!(limits[3] <= 8, "all failed, and the limit is still {}", limits[3]);
}

proptest! {
    #[test]
    fn the_limit_stays_between_its_bounds(
        bounds in (1u32..50, 0u32..50, 0u32..300),
        samples in prop::collection::vec((0u64..200_000, 0u64..20_000_000, 0u32..500, any::<bool>()), 1..2000),
    ) {
        let (min, initial, max) = (bounds.0, bounds.0 + bounds.1, bounds.0 + bounds.1 + bounds.2);
        let mut gradient = Gradient2::new(Config { initial, min, max });
        let mut now = Instant::now();
        for (gap_us, rtt_us, in_flight, dropped) in samples {
            now += Duration::from_micros(gap_us);
            gradient.update(now, Duration::from_micros(rtt_us), in_flight, dropped);
            prop_assert!((min..=max).contains(&gradient.limit()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn places_come_back_however_a_request_ends() {
    let limiter = Limiter::new(Config { initial: 3, min: 3, max: 3 });
    let mut places: Vec<_> = std::iter::from_fn(|| limiter.try_enter(1.0)).collect();
    assert_eq!((places.len(), limiter.in_flight()), (3, 3));
    places.pop().unwrap().answered();
    places.pop().unwrap().overloaded();
    assert_eq!(limiter.in_flight(), 1);
    drop(places);
    assert_eq!(limiter.in_flight(), 0);
    assert!(limiter.try_enter(1.0).is_some());
}
