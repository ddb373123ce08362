//! One flight per key: who asks while another is asking waits for that answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::Instant;

/// Nobody boards a flight that left longer ago: what it answers may have been read back then.
const BOARDING: Duration = Duration::from_millis(200);

/// The flights of one cache. As many as requests are being worked on, at most.
pub(super) struct Flights<A> {
    open: Arc<Mutex<Open<A>>>,
}

struct Open<A> {
    by_key: HashMap<String, Flight<A>>,
    last_number: u64,
}

struct Flight<A> {
    /// Ends with the last passenger: an answer that nobody waits for is not fetched.
    answer: WeakShared<BoxFuture<'static, A>>,
    left: Instant,
    number: u64,
}

/// How a seat was come by.
pub(super) enum Seat<A> {
    /// On a flight of one's own.
    Pilot(Shared<BoxFuture<'static, A>>),
    Passenger(Shared<BoxFuture<'static, A>>),
}

impl<A: Clone + Send + Sync + 'static> Flights<A> {
    pub(super) fn new() -> Self {
        Self { open: Arc::new(Mutex::new(Open { by_key: HashMap::new(), last_number: 0 })) }
    }

    /// A seat on the flight for `key`; `fetch` is called when there is none to board.
    pub(super) fn board<F>(&self, key: &str, now: Instant, fetch: impl FnOnce() -> F) -> Seat<A>
    where
        F: Future<Output = A> + Send + 'static,
    {
        let mut open = lock(&self.open);
        if let Some(flight) = open.by_key.get(key)
            && now - flight.left <= BOARDING
            && let Some(answer) = flight.answer.upgrade()
        {
            return Seat::Passenger(answer);
        }
        open.last_number += 1;
        let number = open.last_number;
        let landing = Landing { open: Arc::clone(&self.open), key: key.to_owned(), number };
        let fetched = fetch();
        let answer = async move {
            let _landing = landing;
            fetched.await
        };
        let answer = answer.boxed().shared();
        let weak = answer.downgrade().expect("it was not polled yet");
        open.by_key.insert(key.to_owned(), Flight { answer: weak, left: now, number });
        Seat::Pilot(answer)
    }

    /// Who asks from now on does not get what is already on its way.
    pub(super) fn close_boarding(&self, key: &str) {
        lock(&self.open).by_key.remove(key);
    }
}

/// Takes the flight off the list when it has its answer, and when everybody has left it.
struct Landing<A> {
    open: Arc<Mutex<Open<A>>>,
    key: String,
    number: u64,
}

impl<A> Drop for Landing<A> {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        if open.by_key.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            open.by_key.remove(&self.key);
        }
    }
}

fn lock<A>(open: &Mutex<Open<A>>) -> MutexGuard<'_, Open<A>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn answer<A>(seat: Seat<A>) -> Shared<BoxFuture<'static, A>> {
        match seat {
            Seat::Pilot(answer) | Seat::Passenger(answer) => answer,
        }
    }

    #[tokio::test]
    async fn passengers_get_the_pilots_answer_and_the_next_one_flies_anew() {
        let (flights, fetched, now) = (Flights::new(), AtomicU32::new(0), Instant::now());
        let board = || {
            answer(flights.board("a", now, || {
                let number = fetched.fetch_add(1, Ordering::SeqCst);
                async move { number }
            }))
        };
        let (first, second) = (board(), board());
        let other = answer(flights.board("b", now, || async { 99 }));
        assert_eq!((first.await, second.await, other.await), (0, 0, 99));
        assert!(lock(&flights.open).by_key.is_empty());
        assert_eq!(board().await, 1);
    }

    #[tokio::test]
    async fn nobody_boards_late_or_after_a_change() {
        let (flights, start) = (Flights::new(), Instant::now());
        let board = |now| flights.board("a", now, pending::<u32>);
        let first = answer(board(start));
        let late = start + BOARDING + Duration::from_millis(1);
        assert!(matches!(board(start + BOARDING), Seat::Passenger(_)));
        let second = board(late);
        assert!(matches!(second, Seat::Pilot(_)), "the first left too long ago");
        drop(first);
        assert!(matches!(board(late), Seat::Passenger(_)), "the landing of the first is not the second's");
        flights.close_boarding("a");
        assert!(matches!(board(late), Seat::Pilot(_)));
    }

    #[tokio::test]
    async fn a_flight_ends_with_its_last_passenger() {
        let (flights, now) = (Flights::new(), Instant::now());
        let mut pilot = Box::pin(answer(flights.board("a", now, pending::<u32>)));
        assert!((&mut pilot).now_or_never().is_none());
        let passenger = answer(flights.board("a", now, pending));
        drop(pilot);
        assert_eq!(lock(&flights.open).by_key.len(), 1);
        drop(passenger);
        assert!(lock(&flights.open).by_key.is_empty());
    }
}
