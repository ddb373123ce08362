//! A service under three times the load it can bear, on a virtual clock, with and without shedding.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::{Priority, Shedder};
use crate::limit::Config;

const CONFIG: Config = Config { initial: 20, min: 4, max: 200 };
/// Ten workers at 10 ms each: a thousand requests a second.
const WORKERS: usize = 10;
const WORK_MS: std::ops::Range<f64> = 5.0..15.0;
const CAPACITY: u32 = 1000;
/// When nobody waits for the answer any more.
const PATIENCE: Duration = Duration::from_millis(100);
const MIX: [(Priority, f64); 3] =
    [(Priority::Auth, 0.1), (Priority::Interactive, 0.5), (Priority::Batch, 0.4)];

/// Goes on working for clients that have left, as most services do.
#[derive(Clone)]
struct Service {
    workers: Arc<Semaphore>,
    shedder: Option<Shedder>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    sent: u32,
    shed: u32,
    good: u32,
}

type Tallies = Arc<Mutex<HashMap<Priority, Tally>>>;

impl Service {
    fn new(shedder: Option<Shedder>) -> Self {
        Self { workers: Arc::new(Semaphore::new(WORKERS)), shedder }
    }

    /// Whether the request was let in, and answered while somebody waited.
    async fn serve(&self, priority: Priority, work: Duration) -> (bool, bool) {
        let ticket = match self.shedder.as_ref().map(|shedder| shedder.try_enter(priority)) {
            Some(Err(_shed)) => return (false, false),
            Some(Ok(ticket)) => Some(ticket),
            None => None,
        };
        let since = Instant::now();
        let worker = self.workers.acquire().await.unwrap();
        sleep(work).await;
        drop(worker);
        let good = since.elapsed() <= PATIENCE;
        match ticket {
            Some(ticket) if good => ticket.answered(),
            Some(ticket) => ticket.overloaded(),
            None => {}
        }
        (true, good)
    }
}

fn priority(rng: &mut StdRng) -> Priority {
    let mut drawn = rng.random::<f64>();
    let found = MIX.into_iter().find(|(_, part)| {
        drawn -= part;
        drawn < 0.0
    });
    found.map_or(Priority::Batch, |(priority, _)| priority)
}

/// Sends `rate` requests a second for `seconds`, with random gaps; what is unfinished then is not counted.
async fn drive(service: &Service, rate: u32, seconds: u32) -> HashMap<Priority, Tally> {
    let mut rng = StdRng::seed_from_u64(u64::from(rate));
    let tallies = Tallies::default();
    let mut requests = JoinSet::new();
    let end = Instant::now() + Duration::from_secs(1) * seconds;
    let mut next = Instant::now();
    while next < end {
        sleep_until(next).await;
        next += Duration::from_secs_f64(-rng.random::<f64>().max(1e-9).ln() / f64::from(rate));
        let priority = priority(&mut rng);
        let work = Duration::from_secs_f64(rng.random_range(WORK_MS) / 1000.0);
        let (service, tallies) = (service.clone(), Arc::clone(&tallies));
        tallies.lock().unwrap().entry(priority).or_default().sent += 1;
        requests.spawn(timeout_at(end, async move {
            let (entered, good) = service.serve(priority, work).await;
            let mut tallies = tallies.lock().unwrap();
            let tally = tallies.entry(priority).or_default();
            tally.shed += u32::from(!entered);
            tally.good += u32::from(good);
        }));
        while requests.try_join_next().is_some() {}
    }
    requests.join_all().await;
    let tallies = tallies.lock().unwrap();
    tallies.clone()
}

fn goodput(tallies: &HashMap<Priority, Tally>, seconds: u32) -> u32 {
    tallies.values().map(|tally| tally.good).sum::<u32>() / seconds
}

const SECONDS: u32 = 20;

#[tokio::test(start_paused = true)]
async fn three_times_the_load_leaves_most_of_the_goodput() {
    let mut peak = 0;
    for percent in [50, 80, 90, 100] {
        let service = Service::new(Some(Shedder::new(CONFIG)));
        peak = peak.max(goodput(&drive(&service, CAPACITY * percent / 100, SECONDS).await, SECONDS));
    }
    let shedder = Shedder::new(CONFIG);
    let shedding = Service::new(Some(shedder.clone()));
    let overloaded = goodput(&drive(&shedding, 3 * CAPACITY, SECONDS).await, SECONDS);
    let bare = goodput(&drive(&Service::new(None), 3 * CAPACITY, SECONDS).await, SECONDS);
    println!("peak {peak}/s, at 3x {overloaded}/s shedding (limit {}), {bare}/s not", shedder.limit());
    assert!(overloaded * 10 >= peak * 8, "{overloaded} of {peak} a second are left");
    assert!(bare * 10 < peak, "without shedding {bare} a second: this load proves nothing");

    let after = drive(&shedding, CAPACITY / 2, SECONDS).await;
    let shed: u32 = after.values().map(|tally| tally.shed).sum();
    assert_eq!(shed, 0, "after the overload nothing is refused");
}

#[tokio::test(start_paused = true)]
async fn the_least_important_are_shed_first() {
    // What the classes above a class need is far below the limit in each case.
    for (percent, spared, hit) in [
        (120, vec![Priority::Auth, Priority::Interactive], Priority::Batch),
        (300, vec![Priority::Auth], Priority::Interactive),
    ] {
        let service = Service::new(Some(Shedder::new(CONFIG)));
        let tallies = drive(&service, CAPACITY * percent / 100, SECONDS).await;
        println!("at {percent} %: {tallies:?}");
        let shed = |priority| f64::from(tallies[&priority].shed) / f64::from(tallies[&priority].sent);
        for priority in spared {
            assert!(shed(priority) < 0.02, "{} {}", priority.as_str(), shed(priority));
        }
        assert!(shed(hit) > 0.1 && shed(Priority::Batch) >= shed(hit));
    }
}

#[tokio::test(start_paused = true)]
async fn each_class_is_refused_at_its_share_of_the_limit() {
    let shedder = Shedder::new(Config { initial: 20, min: 20, max: 20 });
    let mut tickets = Vec::new();
    for (priority, expected) in
        [(Priority::Batch, 12), (Priority::Interactive, 18), (Priority::Auth, 20), (Priority::Health, 40)]
    {
        let refused = loop {
            match shedder.try_enter(priority) {
                Ok(ticket) => tickets.push(ticket),
                Err(shed) => break shed,
            }
        };
        assert_eq!((shedder.in_flight(), refused.priority), (expected, priority));
        let seconds = if priority == Priority::Batch { 5..15 } else { 1..3 };
        assert!(seconds.contains(&refused.retry_after.as_secs()), "{:?}", refused.retry_after);
    }
    tickets.into_iter().for_each(super::Ticket::answered);
    assert_eq!(shedder.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn probes_teach_the_limit_nothing() {
    let shedder = Shedder::new(CONFIG);
    for (priority, learns) in [(Priority::Health, false), (Priority::Interactive, true)] {
        for _ in 0..100 {
            let tickets: Vec<_> = (0..15).map(|_| shedder.try_enter(priority).unwrap()).collect();
            sleep(Duration::from_millis(20)).await;
            tickets.into_iter().for_each(super::Ticket::answered);
        }
        assert_eq!(shedder.limit() > 20, learns, "{}", priority.as_str());
    }
}
