//! The budget against a list of everything that happened, and the order in which a policy says no.

use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::time::Instant;

use super::budget::Ledger;
use super::{Backoff, Budget, Denied, Policy, Terms};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn five_requests_pay_for_one_retry() {
    let now = Instant::now();
    let mut ledger = Ledger::new(Terms { requests_per_extra: 5, floor_per_second: 0 }, now);
    for request in 1..=20 {
        ledger.deposit(now);
        assert_eq!(ledger.left(now), request / 5, "after {request} requests");
    }
    for left in (0..4).rev() {
        assert!(ledger.withdraw(now));
        assert_eq!(ledger.left(now), left);
    }
    assert!(!ledger.withdraw(now));
}

#[test]
fn the_floor_allows_a_hundred_retries_in_ten_seconds_without_a_request() {
    let start = Instant::now();
    let mut ledger = Ledger::new(Terms::RETRIES, start);
    let mut allowed_by = |second: u32| (0..200).filter(|_| ledger.withdraw(start + SECOND * second)).count();
    assert_eq!(allowed_by(0), 100);
    assert_eq!(allowed_by(9), 0);
    assert_eq!(allowed_by(11), 100, "withdrawals expire too");
}

#[test]
fn what_was_deposited_expires() {
    let start = Instant::now();
    for (second, expected) in [(0, 20), (9, 20), (10, 0), (1000, 0)] {
        let mut ledger = Ledger::new(Terms { requests_per_extra: 5, floor_per_second: 0 }, start);
        (0..100).for_each(|_| ledger.deposit(start));
        assert_eq!(ledger.left(start + SECOND * second), expected, "after {second} s");
    }
}

#[test]
fn a_clock_that_steps_back_does_no_harm() {
    let start = Instant::now();
    let mut ledger = Ledger::new(Terms { requests_per_extra: 1, floor_per_second: 0 }, start);
    ledger.deposit(start + SECOND * 5);
    ledger.deposit(start + SECOND * 2);
    assert_eq!(ledger.left(start + SECOND * 5), 2);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Request,
    Retry,
}

fn step() -> impl Strategy<Value = (Duration, Step)> {
    let gap = prop_oneof![8 => 0u64..40, 1 => 0u64..4000, 1 => 9_000u64..12_000];
    (gap.prop_map(Duration::from_millis), prop_oneof![Just(Step::Request), Just(Step::Retry)])
}

proptest! {
    /// The promise itself: no retry makes more than the share of the last ten seconds' requests, plus the floor.
    #[test]
    fn no_ten_seconds_have_more_retries_than_allowed(
        requests_per_extra in 1u64..8, floor_per_second in 0u64..3, steps in prop::collection::vec(step(), 1..600),
    ) {
        let mut now = Instant::now();
        let mut ledger = Ledger::new(Terms { requests_per_extra, floor_per_second }, now);
        let (mut requests, mut retries) = (Vec::new(), Vec::new());
        for (gap, step) in steps {
            now += gap;
            match step {
                Step::Request => {
                    ledger.deposit(now);
                    requests.push(now);
                }
                Step::Retry if ledger.withdraw(now) => {
                    retries.push(now);
                    let lately = |at: &&Instant| now - **at < 10 * SECOND;
                    let retried = retries.iter().filter(lately).count() as u64;
                    let requested = requests.iter().filter(lately).count() as u64;
                    prop_assert!(retried <= requested / requests_per_extra + floor_per_second * 10);
                }
                Step::Retry => {}
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_says_no_for_the_first_reason_that_holds() {
    let pause = 50 * Duration::from_millis(1);
    let policy = Policy { max_attempts: 2, backoff: Backoff { base: pause, max: pause, jitter: 0.0 } };
    let empty = Terms { requests_per_extra: 5, floor_per_second: 0 };
    for (made, left, terms, expected) in [
        (1, SECOND, Terms::RETRIES, Ok(pause)),
        (2, SECOND, Terms::RETRIES, Err(Denied::Attempts)),
        (1, pause, Terms::RETRIES, Err(Denied::Deadline)),
        (1, SECOND, empty, Err(Denied::Budget)),
    ] {
        let budget = Budget::new(terms);
        let before = budget.left();
        let answer = policy.pause(made, left, &budget, &mut StdRng::seed_from_u64(3));
        assert_eq!(answer, expected, "{made} attempts, {left:?} left");
        assert_eq!(before - budget.left(), u64::from(answer.is_ok()), "only an attempt is paid for");
    }
}
