//! The handle that calls share: a machine behind a short lock, a clock, and somebody who listens.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rand::rngs::SmallRng;
use tokio::time::Instant;

use super::config::{Config, ConfigError};
use super::event::Event;
use super::machine::{Machine, Rejected, Report, State, Token};
use super::permit::Permit;
use super::snapshot::Snapshot;

/// Told of every event, with the breaker's name. Runs on the calling task, outside the lock: it must be quick
/// and must neither block nor panic. Events of two threads may arrive in the other order; their sequence says which was first.
pub type Observer = Arc<dyn Fn(&str, &Event) + Send + Sync>;

/// The time since an epoch that never changes while the breaker lives.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// One breaker, cheap to clone.
#[derive(Clone)]
pub struct Breaker {
    shared: Arc<Shared>,
}

struct Shared {
    name: Arc<str>,
    clock: Clock,
    observer: Option<Observer>,
    /// Held for a few dozen nanoseconds, never over an await, a callback or a clock.
    machine: Mutex<Machine>,
}

/// A call that was not let through, and therefore cost the target nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("circuit breaker {name} is {}: the call was not permitted", state.as_str())]
pub struct NotPermitted {
    pub name: Arc<str>,
    pub state: State,
    /// Known while the breaker is open: until the next probe may go.
    pub retry_after: Option<Duration>,
}

impl Breaker {
    /// A closed breaker on the process's monotonic clock (tokio's, which tests can pause).
    ///
    /// # Errors
    /// A setting is out of its range.
    pub fn new(name: &str, config: Config, observer: Option<Observer>) -> Result<Self, ConfigError> {
        let epoch = Instant::now();
        Self::with_clock(name, config, observer, Arc::new(move || epoch.elapsed()))
    }

    /// The same on another clock.
    ///
    /// # Errors
    /// A setting is out of its range.
    pub fn with_clock(
        name: &str,
        config: Config,
        observer: Option<Observer>,
        clock: Clock,
    ) -> Result<Self, ConfigError> {
        let machine = Machine::new(config, clock(), rand::make_rng::<SmallRng>())?;
        let name = Arc::from(name);
        Ok(Self { shared: Arc::new(Shared { name, clock, observer, machine: Mutex::new(machine) }) })
    }

    pub fn name(&self) -> &str {
        &self.shared.name
    }

    pub fn config(&self) -> Config {
        self.lock().config().clone()
    }

    /// Asks for the right to one call.
    ///
    /// # Errors
    /// The breaker is open or forced open, or half-open with all its probes under way.
    pub fn try_acquire(&self) -> Result<Permit, NotPermitted> {
        self.try_acquire_in(None)
    }

    /// The same within a trace, which the events of this call then name.
    ///
    /// # Errors
    /// As [`Breaker::try_acquire`].
    pub fn try_acquire_in(&self, trace: Option<Arc<str>>) -> Result<Permit, NotPermitted> {
        let now = self.now();
        match self.change(now, |machine| machine.acquire(now, trace.as_ref())) {
            Ok(token) => Ok(Permit::new(self.clone(), token, now, trace)),
            Err(Rejected { state, retry_after }) => {
                Err(NotPermitted { name: self.shared.name.clone(), state, retry_after })
            }
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        let now = self.now();
        self.change(now, |machine| machine.snapshot(now))
    }

    /// The newest 100 events, oldest first.
    pub fn events(&self) -> Vec<Event> {
        let events: Vec<_> = self.lock().events_after(0).cloned().collect();
        told_in_wall_time(self.now(), events)
    }

    /// Lets time pass for a breaker that nobody calls: call it about every second where
    /// `automatic_half_open` is on or the end of a half-open state should be seen at once.
    pub fn tick(&self) {
        let now = self.now();
        self.change(now, |machine| machine.tick(now));
    }

    /// Closed with a fresh window.
    pub fn close(&self) {
        let now = self.now();
        self.change(now, |machine| machine.close(now));
    }

    /// Rejects everything until told otherwise.
    pub fn force_open(&self) {
        let now = self.now();
        self.change(now, |machine| machine.force_open(now));
    }

    /// Lets everything pass and records nothing.
    pub fn disable(&self) {
        let now = self.now();
        self.change(now, |machine| machine.disable(now));
    }

    /// Lets everything pass and records it.
    pub fn metrics_only(&self) {
        let now = self.now();
        self.change(now, |machine| machine.metrics_only(now));
    }

    /// Closed as if it were new, from any state.
    pub fn reset(&self) {
        let now = self.now();
        self.change(now, |machine| machine.reset(now));
    }

    /// Closed as if it were new, because the target was replaced.
    pub fn renew(&self) {
        let now = self.now();
        self.change(now, |machine| machine.renew(now));
    }

    pub(super) fn now(&self) -> Duration {
        (self.shared.clock)()
    }

    pub(super) fn finish(&self, now: Duration, token: Token, report: Report) {
        self.change(now, |machine| machine.finish(now, token, report));
    }

    /// Does one thing under the lock, then tells the observer what came of it.
    fn change<T>(&self, now: Duration, act: impl FnOnce(&mut Machine) -> T) -> T {
        let mut machine = self.lock();
        let Some(observer) = &self.shared.observer else { return act(&mut machine) };
        let before = machine.last_event();
        let result = act(&mut machine);
        let news: Vec<_> = machine.events_after(before).cloned().collect();
        drop(machine);
        for event in told_in_wall_time(now, news) {
            observer(&self.shared.name, &event);
        }
        result
    }

    /// A poisoned lock is taken all the same: the machine has no step in which a panic could leave it half
    /// changed, and a breaker that panics for ever would be worse than the failure that poisoned it.
    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.shared.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

fn told_in_wall_time(now: Duration, events: Vec<Event<Duration>>) -> Vec<Event> {
    if events.is_empty() {
        return Vec::new();
    }
    let wall = SystemTime::now();
    events.into_iter().map(|event| event.told_at(now, wall)).collect()
}
