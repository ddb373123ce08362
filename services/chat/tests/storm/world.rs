//! What everybody in the storm shares.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::client::Habit;
use super::late::Late;
use super::room::Room;
use super::stream::Way;

/// Ten is enough to see what went wrong.
const TOLD: usize = 10;

pub(crate) struct World {
    pub(crate) rooms: Vec<Room>,
    pub(crate) instances: Vec<Door>,
    pub(crate) clients: Vec<Seat>,
    pub(crate) late: Late,
    pub(crate) counts: Counts,
    /// For freezing an instance.
    pub(crate) freezer: Semaphore,
    /// No more faults: who did not read reads again, writers finish.
    pub(crate) calm: CancellationToken,
    /// Writers have finished.
    pub(crate) over: CancellationToken,
    /// Something is wrong: there is no use in going on.
    pub(crate) broken: CancellationToken,
    wrong: Mutex<Vec<String>>,
}

/// An instance, as a load balancer knows it.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) is_up: AtomicBool,
    /// Messages that it brought to streams.
    pub(crate) delivered: AtomicU64,
}

/// What others need to know of a client.
pub(crate) struct Seat {
    pub(crate) room: usize,
    pub(crate) habit: Habit,
    pub(crate) way: Way,
    /// The last message that it has.
    pub(crate) place: AtomicI64,
    /// The login that its open stream belongs to; of no stream, [`u64::MAX`].
    pub(crate) login: AtomicU64,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) delivered: AtomicU64,
    /// Came before the server had heard where to resume.
    pub(crate) known: AtomicU64,
    pub(crate) opened: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) owed: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
    /// Attempts to write without an answer, which were made again.
    pub(crate) unanswered: AtomicU64,
    /// Messages that took more than one.
    pub(crate) again: AtomicU64,
}

impl World {
    pub(crate) fn new(rooms: Vec<Room>, addresses: Vec<SocketAddr>, clients: Vec<Seat>) -> Self {
        let door = |address| Door { address, is_up: AtomicBool::new(true), delivered: AtomicU64::new(0) };
        Self {
            rooms,
            freezer: Semaphore::new(1),
            instances: addresses.into_iter().map(door).collect(),
            clients,
            late: Late::default(),
            counts: Counts::default(),
            calm: CancellationToken::new(),
            over: CancellationToken::new(),
            broken: CancellationToken::new(),
            wrong: Mutex::default(),
        }
    }

    /// Any instance that is up; any at all when none is.
    pub(crate) fn pick(&self, random: &mut StdRng) -> usize {
        let all = 0..self.instances.len();
        let up: Vec<_> = all.filter(|n| self.instances[*n].is_up.load(Ordering::Relaxed)).collect();
        match up.len() {
            0 => random.random_range(0..self.instances.len()),
            count => up[random.random_range(0..count)],
        }
    }

    pub(crate) fn wrong(&self, what: String) {
        let mut wrong = self.wrong.lock().unwrap();
        if wrong.len() < TOLD {
            wrong.push(what);
        }
        drop(wrong);
        self.broken.cancel();
    }

    /// What went wrong so far.
    pub(crate) fn wrongs(&self) -> Vec<String> {
        self.wrong.lock().unwrap().clone()
    }
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Numbers everybody who has dice of their own.
#[derive(Debug)]
pub(crate) struct Dice {
    seed: u64,
    given: AtomicUsize,
}

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, given: AtomicUsize::new(0) }
    }

    pub(crate) fn next(&self) -> StdRng {
        let nth = self.given.fetch_add(1, Ordering::Relaxed) as u64;
        rand::SeedableRng::seed_from_u64(self.seed.wrapping_add(nth.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }
}
