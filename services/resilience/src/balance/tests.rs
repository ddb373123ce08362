//! The choice among endpoints, on a virtual clock with seeded randomness.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::time::Instant;

use super::pool::{Pool, Standing};
use super::{Balancer, View};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn pool(keys: &[u8], now: Instant) -> Pool<u8> {
    let mut pool = Pool::default();
    pool.update(keys, now);
    pool
}

fn ejected(pool: &Pool<u8>, now: Instant) -> Vec<u8> {
    let views = pool.view(now).into_iter();
    views.filter(|view| view.standing == Standing::Ejected).map(|view| view.key).collect()
}

/// `calls` calls, one every `gap`, each answered after what `rtt` says; the calls per endpoint and all times.
fn drive(
    pool: &mut Pool<u8>,
    start: Instant,
    (calls, gap): (u32, Duration),
    rtt: impl Fn(u8) -> Duration,
) -> (HashMap<u8, u32>, Vec<Duration>) {
    let mut rng = StdRng::seed_from_u64(11);
    let mut running: BTreeSet<(Instant, u32, u8)> = BTreeSet::new();
    let (mut counts, mut times) = (HashMap::new(), Vec::new());
    for call in 0..calls {
        let now = start + gap * call;
        while running.first().is_some_and(|&(end, ..)| end <= now) {
            let (end, _, key) = running.pop_first().unwrap();
            pool.answered(&key, rtt(key), end);
            pool.release(&key);
        }
        let key = pool.choose(|_| true, now, &mut rng).unwrap();
        *counts.entry(key).or_default() += 1;
        times.push(rtt(key));
        running.insert((now + rtt(key), call, key));
    }
    for (.., key) in running {
        pool.release(&key);
    }
    times.sort_unstable();
    (counts, times)
}

#[test]
fn a_slow_endpoint_gets_few_calls() {
    let start = Instant::now();
    let mut pool = pool(&[1, 2, 3], start);
    let (counts, times) =
        drive(&mut pool, start, (10_000, 2 * MS), |key| if key == 3 { 100 * MS } else { 10 * MS });
    let p95 = times[times.len() * 95 / 100];
    println!("calls {counts:?}, p95 {p95:?}; in turn, a third would take 100 ms");
    assert!(counts[&3] < 500, "{counts:?}");
    assert!(counts[&1].abs_diff(counts[&2]) < 1000, "{counts:?}");
}

#[test]
fn equal_endpoints_get_equal_parts() {
    let start = Instant::now();
    let mut pool = pool(&[1, 2, 3, 4], start);
    let (counts, _) = drive(&mut pool, start, (10_000, MS), |_| 10 * MS);
    assert!(counts.values().all(|count| (2000..3000).contains(count)), "{counts:?}");
}

#[test]
fn an_endpoint_that_was_slow_once_is_asked_again() {
    let start = Instant::now();
    let mut pool = pool(&[1, 2], start);
    pool.answered(&1, 10 * SECOND, start);
    let (early, _) = drive(&mut pool, start, (1000, 10 * MS), |_| 10 * MS);
    assert_eq!(early.get(&1), None);
    let (late, _) = drive(&mut pool, start + 120 * SECOND, (1000, 10 * MS), |_| 10 * MS);
    assert!(late[&1] > 300, "{late:?}");
}

#[test]
fn a_new_endpoint_starts_slowly_and_gets_its_part_after_ten_seconds() {
    let start = Instant::now();
    let mut pool = pool(&[1, 2], start);
    drive(&mut pool, start, (1000, MS), |_| 10 * MS);
    let joined = start + SECOND;
    pool.update(&[1, 2, 3], joined);
    let mut parts = Vec::new();
    for second in [0, 5, 15] {
        let (counts, _) = drive(&mut pool, joined + SECOND * second, (1000, MS), |_| 10 * MS);
        parts.push(counts.get(&3).copied().unwrap_or_default());
    }
    assert!((1..150).contains(&parts[0]) && parts[0] < parts[1] && parts[1] < parts[2], "{parts:?}");
    assert!((233..433).contains(&parts[2]), "{parts:?}");
}

#[test]
fn ejections_double_up_to_half_a_minute_and_an_answer_ends_them() {
    let mut now = Instant::now();
    let mut pool = pool(&[1, 2], now);
    for seconds in [1, 2, 4, 8, 16, 30, 30] {
        pool.unreachable(&1, now);
        // A call that was already on its way must not lengthen it.
        pool.unreachable(&1, now + MS);
        assert_eq!(ejected(&pool, now + SECOND * seconds - MS), [1]);
        now += SECOND * seconds;
        assert_eq!(ejected(&pool, now), [0; 0], "after {seconds} s");
    }
    pool.answered(&1, MS, now);
    pool.unreachable(&1, now);
    assert_eq!(ejected(&pool, now + SECOND), [0; 0], "the count starts again");
}

#[test]
fn an_ejected_endpoint_is_chosen_only_if_nothing_else_is_usable() {
    let now = Instant::now();
    let mut pool = pool(&[1, 2], now);
    let mut rng = StdRng::seed_from_u64(5);
    pool.unreachable(&1, now);
    for _ in 0..100 {
        assert_eq!(pool.choose(|_| true, now, &mut rng), Some(2));
    }
    assert_eq!(pool.choose(|&key| key != 2, now, &mut rng), Some(1));
    assert_eq!(pool.choose(|_| false, now, &mut rng), None);
}

/// Two of three are gone, and only one may be ejected: the other is avoided by its price.
#[test]
fn a_failing_endpoint_that_may_not_be_ejected_is_avoided() {
    let now = Instant::now();
    let mut pool = pool(&[1, 2, 3], now);
    pool.unreachable(&1, now);
    pool.unreachable(&2, now);
    assert_eq!(ejected(&pool, now), [1]);
    let mut rng = StdRng::seed_from_u64(6);
    for call in 0..8 {
        assert_eq!(pool.choose(|_| true, now, &mut rng), Some(3), "with {call} calls in flight there");
    }
}

#[test]
fn one_call_at_a_time_tries_an_endpoint_after_its_ejection() {
    let start = Instant::now();
    let mut pool = pool(&[1, 2], start);
    let mut rng = StdRng::seed_from_u64(8);
    pool.unreachable(&1, start);
    let back = start + SECOND;
    let chosen: Vec<_> = (0..6).map(|_| pool.choose(|_| true, back, &mut rng).unwrap()).collect();
    assert_eq!(chosen.iter().map(|&key| u32::from(key == 1)).sum::<u32>(), 1, "{chosen:?}");
}

#[test]
fn known_endpoints_keep_their_record_when_the_list_changes() {
    let now = Instant::now();
    let mut pool = pool(&[1, 2], now);
    pool.answered(&1, SECOND, now);
    pool.update(&[1, 3], now);
    let record = |View { key, estimate, .. }: View<u8>| (key, estimate.as_millis());
    let records: Vec<_> = pool.view(now).into_iter().map(record).collect();
    // A newcomer is expected to be like those who stay.
    assert_eq!(records, [(1, 1000), (3, 1000)]);
}

proptest! {
    #[test]
    fn never_more_than_half_are_ejected_and_somebody_is_always_chosen(
        endpoints in 1u8..9, failures in prop::collection::vec((0u8..9, 0u64..3000), 0..100), seed: u64,
    ) {
        let mut now = Instant::now();
        let keys: Vec<u8> = (0..endpoints).collect();
        let mut pool = pool(&keys, now);
        let mut rng = StdRng::seed_from_u64(seed);
        for (key, gap) in failures {
            now += MS * u32::try_from(gap).unwrap();
            pool.unreachable(&key, now);
            let out = ejected(&pool, now);
            prop_assert!(out.len() * 2 <= keys.len(), "{out:?} of {}", keys.len());
            let chosen = pool.choose(|_| true, now, &mut rng).unwrap();
            prop_assert!(!out.contains(&chosen));
            pool.release(&chosen);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_come_back_however_they_end() {
    let balancer = Balancer::default();
    balancer.update(&["a"]);
    let calls: Vec<_> = (0..3).map(|_| balancer.choose(|_| true).unwrap()).collect();
    assert_eq!(balancer.view()[0].in_flight, 3);
    let mut calls = calls.into_iter();
    tokio::time::advance(80 * MS).await;
    calls.next().unwrap().answered();
    assert_eq!((balancer.view()[0].in_flight, balancer.view()[0].estimate), (2, 80 * MS));
    calls.next().unwrap().unreachable();
    drop(calls);
    assert_eq!(balancer.view()[0].in_flight, 0);
    // The only one is never ejected.
    assert_eq!(balancer.view()[0].standing, Standing::Ready);
}

#[tokio::test(start_paused = true)]
async fn a_call_to_an_endpoint_that_left_ends_quietly() {
    let balancer = Balancer::default();
    balancer.update(&["a", "b"]);
    let call = balancer.choose(|&key| key == "a").unwrap();
    balancer.update(&["b"]);
    call.answered();
    assert_eq!(balancer.view().iter().map(|view| view.key).collect::<Vec<_>>(), ["b"]);
}
