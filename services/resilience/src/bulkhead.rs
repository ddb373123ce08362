//! A bound on how many calls run at once and on how many wait for their turn, first come first served.
//!
//! A queue that was never empty for as long as a caller may wait is standing: it adds delay and no throughput.
//! While it stands, newcomers wait a tenth of their time, as `CoDel` would have it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// By how much a standing queue shortens the wait.
const STANDING: u32 = 10;

/// Cheap to clone; clones share the places.
#[derive(Debug, Clone)]
pub struct Bulkhead {
    places: Arc<Semaphore>,
    queue: Arc<Mutex<Queue>>,
    max: usize,
    max_queued: usize,
}

/// Why a call may not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Rejected {
    #[error("all places are taken and the queue is full")]
    Full,
    #[error("no place became free in time")]
    TimedOut,
}

/// A place among the running calls; dropping it gives it to the next in the queue.
#[derive(Debug)]
pub struct Entered {
    _permit: OwnedSemaphorePermit,
}

impl Bulkhead {
    /// # Panics
    /// When `max` is zero or above `tokio::sync::Semaphore::MAX_PERMITS`.
    pub fn new(max: usize, max_queued: usize) -> Self {
        assert!(max > 0, "a bulkhead without places lets nobody in");
        Self { places: Arc::new(Semaphore::new(max)), queue: Arc::default(), max, max_queued }
    }

    /// Waits for a place, at most `limit`. A waiter that is dropped leaves the queue.
    ///
    /// # Errors
    /// See [`Rejected`].
    pub async fn enter(&self, limit: Duration) -> Result<Entered, Rejected> {
        // Tokio hands a freed place to the first waiter, so this never overtakes one.
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Entered { _permit: permit });
        }
        let waiter = Waiter::join(self, Instant::now()).ok_or(Rejected::Full)?;
        let limit = if waiter.queue_age >= limit { limit / STANDING } else { limit };
        match timeout(limit, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Entered { _permit: permit }),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(Rejected::TimedOut),
        }
    }

    pub fn available(&self) -> usize {
        self.places.available_permits()
    }

    pub const fn max(&self) -> usize {
        self.max
    }

    pub fn queued(&self) -> usize {
        self.queue().waiters
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiters: usize,
    /// Since when somebody has been waiting.
    since: Option<Instant>,
}

struct Waiter<'a> {
    bulkhead: &'a Bulkhead,
    /// How long the queue had not been empty when this one joined.
    queue_age: Duration,
}

impl<'a> Waiter<'a> {
    fn join(bulkhead: &'a Bulkhead, now: Instant) -> Option<Self> {
        let mut queue = bulkhead.queue();
        if queue.waiters >= bulkhead.max_queued {
            return None;
        }
        queue.waiters += 1;
        let queue_age = now.saturating_duration_since(*queue.since.get_or_insert(now));
        Some(Self { bulkhead, queue_age })
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut queue = self.bulkhead.queue();
        queue.waiters -= 1;
        if queue.waiters == 0 {
            queue.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;
    use tokio::task::JoinSet;
    use tokio::time::sleep;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn the_queue_is_bounded_and_first_come_first_served() {
        let bulkhead = Bulkhead::new(1, 2);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut calls = JoinSet::new();
        for call in 0..4 {
            let (bulkhead, order) = (bulkhead.clone(), Arc::clone(&order));
            calls.spawn(async move {
                let _entered = bulkhead.enter(50 * MS).await?;
                order.lock().unwrap().push(call);
                sleep(10 * MS).await;
                Ok::<_, Rejected>(call)
            });
        }
        sleep(MS).await;
        assert_eq!((bulkhead.available(), bulkhead.queued()), (0, 2));
        let mut results = calls.join_all().await;
        results.sort_unstable_by_key(|result| result.unwrap_or(9));
        assert_eq!(results, [Ok(0), Ok(1), Ok(2), Err(Rejected::Full)]);
        assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
        assert_eq!((bulkhead.available(), bulkhead.queued()), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_runs_out_of_time_leaves_the_queue() {
        let bulkhead = Bulkhead::new(1, 1);
        let entered = bulkhead.enter(MS).await.unwrap();
        for _ in 0..3 {
            assert_eq!(bulkhead.enter(MS).await.unwrap_err(), Rejected::TimedOut);
            assert_eq!(bulkhead.queued(), 0);
        }
        drop(entered);
        assert!(bulkhead.enter(Duration::ZERO).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_dropped_waiters_leave_no_trace() {
        let bulkhead = Bulkhead::new(2, 20_000);
        let entered = [bulkhead.enter(MS).await.unwrap(), bulkhead.enter(MS).await.unwrap()];
        let mut waiters = JoinSet::new();
        for _ in 0..10_000 {
            let bulkhead = bulkhead.clone();
            waiters.spawn(async move { bulkhead.enter(1000 * MS).await.map(drop) });
        }
        sleep(MS).await;
        assert_eq!(bulkhead.queued(), 10_000);
        // Places become free and waiters are dropped in the same instant.
        drop(entered);
        waiters.abort_all();
        while waiters.join_next().await.is_some() {}
        assert_eq!((bulkhead.available(), bulkhead.queued()), (2, 0));
    }

    /// Three times what one place can do, for `seconds`: entered calls, and how long the last hundred waited.
    async fn overload(limit: Duration, seconds: u32) -> (usize, Duration) {
        let bulkhead = Bulkhead::new(1, 1000);
        let mut calls = JoinSet::new();
        let end = Instant::now() + seconds * 1000 * MS;
        while Instant::now() < end {
            let bulkhead = bulkhead.clone();
            calls.spawn(async move {
                let since = Instant::now();
                let entered = bulkhead.enter(limit).await.ok()?;
                let waited = since.elapsed();
                sleep(9 * MS).await;
                drop(entered);
                Some((Instant::now(), waited))
            });
            sleep(3 * MS).await;
        }
        let mut entered: Vec<_> = calls.join_all().await.into_iter().flatten().collect();
        entered.sort_unstable();
        let last = &entered[entered.len() - 100..];
        (entered.len(), last.iter().map(|(_, waited)| *waited).sum::<Duration>() / 100)
    }

    #[tokio::test(start_paused = true)]
    async fn a_standing_queue_is_cut_without_losing_throughput() {
        let (entered, waited) = overload(500 * MS, 20).await;
        println!("{entered} calls of 9 ms in 20 s, the last waited {waited:?}");
        assert!(entered >= 2000, "{entered} entered");
        assert!(waited < 100 * MS, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_may_use_its_whole_time() {
        let bulkhead = Bulkhead::new(1, 100);
        let mut calls = JoinSet::new();
        for _ in 0..40 {
            let bulkhead = bulkhead.clone();
            calls.spawn(async move {
                let _entered = bulkhead.enter(500 * MS).await?;
                sleep(10 * MS).await;
                Ok::<_, Rejected>(())
            });
        }
        assert!(calls.join_all().await.iter().all(Result::is_ok));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn never_more_than_the_maximum_run_or_wait(
            max in 1usize..5, max_queued in 0usize..5,
            calls in prop::collection::vec((0u32..20, 0u32..30, 0u32..30, prop::option::of(0u32..30)), 1..80),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            let left = runtime.unwrap().block_on(run(&Bulkhead::new(max, max_queued), calls));
            prop_assert_eq!(left, (max, 0));
        }
    }

    struct Running(Arc<AtomicUsize>);

    impl Drop for Running {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    type Call = (u32, u32, u32, Option<u32>);

    /// Makes the calls (gap, limit, work, dropped after; in ms) and checks the bounds all the while; what is
    /// available and queued in the end.
    async fn run(bulkhead: &Bulkhead, calls: Vec<Call>) -> (usize, usize) {
        let running = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for (gap, limit, work, dropped_after) in calls {
            sleep(gap * MS).await;
            let (entering, running) = (bulkhead.clone(), Arc::clone(&running));
            let call = async move {
                let Ok(_entered) = entering.enter(limit * MS).await else { return };
                assert!(running.fetch_add(1, Ordering::Relaxed) < entering.max());
                // Counted down also when the call is dropped.
                let _running = Running(running);
                sleep(work * MS).await;
            };
            tasks.spawn(timeout(dropped_after.unwrap_or(1000) * MS, call));
            assert!(bulkhead.queued() <= bulkhead.max_queued);
        }
        tasks.join_all().await;
        (bulkhead.available(), bulkhead.queued())
    }
}
