//! How many extra attempts a target may be sent: a share of its requests, plus a floor for quiet times.
//!
//! As Finagle and tower count: requests deposit, extra attempts withdraw, and both are forgotten after 10 s.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// How long a request allows for extra attempts, in seconds.
const LIFETIME: usize = 10;
/// Withdrawals are kept one slot longer than deposits, so that the rule holds for every span of 10 s and not
/// only for those that begin with a slot.
const SLOTS: usize = LIFETIME + 1;

/// What a budget allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// One extra attempt for this many requests.
    pub requests_per_extra: u64,
    /// Extra attempts a second that are always allowed, counted over 10 s.
    pub floor_per_second: u64,
}

impl Terms {
    /// 20 % and 10 a second, as Finagle and tower have it.
    pub const RETRIES: Self = Self { requests_per_extra: 5, floor_per_second: 10 };
    /// 5 % and nothing below: a hedge is sent before anything has failed.
    pub const HEDGES: Self = Self { requests_per_extra: 20, floor_per_second: 0 };
}

/// Shared by all callers of one target in the process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Budget {
    ledger: Arc<Mutex<Ledger>>,
}

impl Budget {
    pub fn new(terms: Terms) -> Self {
        Self { ledger: Arc::new(Mutex::new(Ledger::new(terms, Instant::now()))) }
    }

    /// A request is being made (not an extra attempt of one).
    pub fn deposit(&self) {
        self.ledger().deposit(Instant::now());
    }

    /// Takes one extra attempt, if there is one.
    pub fn withdraw(&self) -> bool {
        self.ledger().withdraw(Instant::now())
    }

    /// How many extra attempts could be made now.
    pub fn left(&self) -> u64 {
        self.ledger().left(Instant::now())
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    deposits: u64,
    withdrawals: u64,
}

/// The pure part: counts by whole seconds since `epoch`, in a ring.
#[derive(Debug)]
pub(super) struct Ledger {
    terms: Terms,
    epoch: Instant,
    second: u64,
    slots: [Slot; SLOTS],
}

impl Ledger {
    pub(super) fn new(terms: Terms, epoch: Instant) -> Self {
        Self { terms, epoch, second: 0, slots: [Slot::default(); SLOTS] }
    }

    pub(super) fn deposit(&mut self, now: Instant) {
        self.current(now).deposits += 1;
    }

    pub(super) fn withdraw(&mut self, now: Instant) -> bool {
        let allowed = self.left(now) > 0;
        if allowed {
            self.current(now).withdrawals += 1;
        }
        allowed
    }

    pub(super) fn left(&mut self, now: Instant) -> u64 {
        self.current(now);
        let oldest = slot(self.second + 1);
        let withdrawn: u64 = self.slots.iter().map(|slot| slot.withdrawals).sum();
        let deposited: u64 = self.slots.iter().map(|slot| slot.deposits).sum();
        let deposited = deposited - self.slots[oldest].deposits;
        let floor = self.terms.floor_per_second * LIFETIME as u64;
        (deposited / self.terms.requests_per_extra + floor).saturating_sub(withdrawn)
    }

    /// Forgets what is too old. A clock that steps back counts into the latest second.
    fn current(&mut self, now: Instant) -> &mut Slot {
        let second = now.saturating_duration_since(self.epoch).as_secs().max(self.second);
        let passed = second - self.second;
        for ahead in 1..=passed.min(SLOTS as u64) {
            let index = slot(self.second + ahead);
            self.slots[index] = Slot::default();
        }
        self.second = second;
        let index = slot(second);
        &mut self.slots[index]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the remainder is below SLOTS")]
const fn slot(second: u64) -> usize {
    (second % SLOTS as u64) as usize
}
