//! Hedging against replicas that stall, on a virtual clock.

use std::cell::Cell;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::{Attempt, Hedge};

const MS: Duration = Duration::from_millis(1);

async fn after(time: Duration) -> Result<Duration, &'static str> {
    sleep(time).await;
    Ok(time)
}

/// A hedge that knows reads of 10 ms, and may send a few second attempts.
async fn taught() -> Hedge {
    let hedge = Hedge::new();
    for _ in 0..100 {
        hedge.run(|_| after(10 * MS)).await.unwrap();
    }
    hedge
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_twice_before_enough_is_known() {
    let hedge = Hedge::new();
    for _ in 0..19 {
        hedge.run(|_| after(10 * MS)).await.unwrap();
        assert_eq!(hedge.delay(), None);
    }
    hedge.run(|_| after(500 * MS)).await.unwrap();
    assert!(hedge.delay().is_some());
    assert_eq!(hedge.counts().sent, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_read_is_answered_by_the_second_attempt() {
    let hedge = taught().await;
    let answer = hedge.run(|attempt| match attempt {
        Attempt::First => after(500 * MS),
        Attempt::Second => after(9 * MS),
    });
    assert_eq!(answer.await, Ok(9 * MS));
    assert_eq!((hedge.counts().sent, hedge.counts().won), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_first_attempt_still_wins_if_it_is_sooner() {
    let hedge = taught().await;
    let answer = hedge.run(|attempt| match attempt {
        Attempt::First => after(15 * MS),
        Attempt::Second => after(50 * MS),
    });
    assert_eq!(answer.await, Ok(15 * MS));
    assert_eq!((hedge.counts().sent, hedge.counts().won), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_one_attempt_waits_for_the_other() {
    for (first_fails_after, second_fails_after, expected) in [
        (Some(20), None, Ok("second")),
        (None, Some(20), Ok("first")),
        (Some(20), Some(90), Err("second")),
        (Some(90), Some(20), Err("first")),
        (Some(5), None, Err("first")),
    ] {
        let hedge = taught().await;
        let answer = hedge.run(|attempt| async move {
            let (name, fails_after) = match attempt {
                Attempt::First => ("first", first_fails_after),
                Attempt::Second => ("second", second_fails_after),
            };
            sleep(MS * fails_after.unwrap_or(60)).await;
            if fails_after.is_some() { Err(name) } else { Ok(name) }
        });
        assert_eq!(answer.await, expected, "{first_fails_after:?} {second_fails_after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_lost_is_dropped() {
    struct Running<'a>(&'a Cell<i32>);
    impl Drop for Running<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }
    let hedge = taught().await;
    let running = Cell::new(0);
    let answer = hedge.run(|attempt| {
        running.set(running.get() + 1);
        let guard = Running(&running);
        async move {
            let _guard = guard;
            after(if attempt == Attempt::First { 500 * MS } else { MS }).await
        }
    });
    assert_eq!(answer.await, Ok(MS));
    assert_eq!(running.get(), 0);
}

/// Slow reads that are given up must not make the others look fast.
#[tokio::test(start_paused = true)]
async fn a_read_given_up_after_the_delay_counts_as_slow() {
    let hedge = taught().await;
    let before = hedge.delay().unwrap();
    for _ in 0..50 {
        let read = hedge.run(|_| after(500 * MS));
        assert!(tokio::time::timeout(100 * MS, read).await.is_err());
    }
    assert!(hedge.delay().unwrap() > 2 * before, "{:?} after {before:?}", hedge.delay());
}

struct Outcome {
    p999: Duration,
    extra: f64,
}

/// 200 reads a second over three replicas for `seconds`; `work` says how long a read takes on a replica.
async fn drive(hedge: Option<Hedge>, seconds: u32, work: impl Fn(u32, &mut StdRng) -> Duration) -> Outcome {
    let mut rng = StdRng::seed_from_u64(7);
    let mut reads = JoinSet::new();
    let sent_before = hedge.as_ref().map_or(0, |hedge| hedge.counts().sent);
    for _ in 0..seconds * 200 {
        let (first, step) = (rng.random_range(0..3), rng.random_range(1..3));
        let works = [work(first, &mut rng), work((first + step) % 3, &mut rng)];
        let hedge = hedge.clone();
        reads.spawn(async move {
            match hedge {
                Some(hedge) => {
                    let since = Instant::now();
                    let pick = |attempt| after(works[usize::from(attempt == Attempt::Second)]);
                    hedge.run(pick).await.map(|_work| since.elapsed())
                }
                None => after(works[0]).await,
            }
        });
        sleep(5 * MS).await;
    }
    let mut times: Vec<_> = reads.join_all().await.into_iter().map(Result::unwrap).collect();
    times.sort_unstable();
    let sent = hedge.map_or(0, |hedge| hedge.counts().sent) - sent_before;
    let extra = f64::from(u32::try_from(sent).unwrap()) / f64::from(seconds * 200);
    Outcome { p999: times[times.len() * 999 / 1000], extra }
}

/// From 5 ms up with a long tail: 5 % take over 22 ms, 1 % over 50 ms.
fn usual(rng: &mut StdRng) -> Duration {
    (5 * MS).div_f64(rng.random_range(0.0025..1.0f64).sqrt())
}

#[tokio::test(start_paused = true)]
async fn one_stalling_replica_of_three_is_hidden_for_five_percent() {
    let stalls = |replica, rng: &mut StdRng| match replica {
        0 if rng.random_bool(0.01) => 500 * MS,
        _ => usual(rng),
    };
    let bare = drive(None, 60, stalls).await;
    let hedged = drive(Some(Hedge::new()), 60, stalls).await;
    println!("p99.9 {:?} -> {:?} for {:.2} % more", bare.p999, hedged.p999, hedged.extra * 100.0);
    assert_eq!(bare.p999, 500 * MS);
    assert!(hedged.p999 < 50 * MS, "{:?}", hedged.p999);
    assert!(hedged.extra <= 0.05, "{} extra", hedged.extra);
}

/// All replicas become ever slower, so that every read takes longer than nearly all before it: second attempts
/// would only add load.
#[tokio::test(start_paused = true)]
async fn second_attempts_stop_when_everything_becomes_slow() {
    let hedge = Hedge::new();
    let usually = drive(Some(hedge.clone()), 30, |_, rng| usual(rng)).await;
    let start = Instant::now();
    let slowing = move |_, _: &mut StdRng| (10 * MS).mul_f64(1.2f64.powf(start.elapsed().as_secs_f64()));
    let at_first = drive(Some(hedge.clone()), 12, slowing).await;
    let later = drive(Some(hedge.clone()), 15, slowing).await;
    let percent = [usually, at_first, later].map(|outcome| outcome.extra * 100.0);
    println!("{percent:.2?} % more: usually, in the first 12 s of growing slowness, and then");
    assert!(percent[0] > 1.0 && percent[1] <= 5.0, "{percent:?}");
    assert!(percent[2] <= 0.0, "{percent:?}");
}
