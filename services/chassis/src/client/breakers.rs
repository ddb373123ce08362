//! The breakers of a process by name, and what they tell: log, counters, and a channel for whoever watches.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use resilience::breaker::{Breaker, Config, Event, EventKind, Observer, State, Wait};
use tokio::sync::broadcast;
use tracing::{debug, info, warn};

/// Transitions that a slow watcher may lag behind before it misses some.
const WATCHED: usize = 256;
/// Transitions and acts that are kept apart from the outcomes of calls, of which a busy service has 100 in a moment.
const MILESTONES: usize = 256;
/// Breakers of instances that have left, kept for whoever asks what became of them.
const DEPARTED: usize = 32;

/// A transition, or an operator's act, of the breaker with this name.
pub type Told = (Arc<str>, Event);

/// Cheap to clone; clones share the breakers.
#[derive(Clone)]
pub struct Breakers {
    known: Arc<Mutex<BTreeMap<String, Listed>>>,
    milestones: Arc<Mutex<VecDeque<Told>>>,
    told: broadcast::Sender<Told>,
}

/// A breaker and what it stands for.
#[derive(Debug, Clone)]
pub struct Listed {
    pub callee: &'static str,
    pub breaker: Breaker,
    /// Whether the instance may be called right now, as discovery has it.
    pub registered: bool,
}

impl Default for Breakers {
    fn default() -> Self {
        Self { known: Arc::default(), milestones: Arc::default(), told: broadcast::channel(WATCHED).0 }
    }
}

impl Breakers {
    /// All of them, by name.
    pub fn list(&self) -> Vec<Listed> {
        self.known().values().cloned().collect()
    }

    pub fn find(&self, name: &str) -> Option<Listed> {
        self.known().get(name).cloned()
    }

    /// The newest events of a breaker, oldest first: its last 100, and the transitions before them.
    pub fn events(&self, breaker: &Breaker) -> Vec<Event> {
        let recent = breaker.events();
        let first = recent.first().map_or(u64::MAX, |event| event.sequence);
        let milestones = self.milestones.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier =
            milestones.iter().filter(|(name, event)| **name == *breaker.name() && event.sequence < first);
        let mut events: Vec<_> = earlier.map(|(_, event)| event.clone()).collect();
        events.sort_by_key(|event| event.sequence);
        events.extend(recent);
        events
    }

    /// Everything but the outcomes of single calls, from now on.
    pub fn watch(&self) -> broadcast::Receiver<Told> {
        self.told.subscribe()
    }

    /// A breaker for something that is no instance of a service, e.g. a provider outside; seen and operated like
    /// the others. The same name gives the same breaker.
    ///
    /// # Panics
    /// When a setting is out of its range.
    pub fn guard(&self, name: &'static str, config: Config) -> Breaker {
        let mut known = self.known();
        let listed = known.entry(name.to_owned()).or_insert_with(|| {
            let breaker =
                Breaker::new(name, config, Some(self.observer(name))).expect("the settings are in range");
            Listed { callee: name, breaker, registered: true }
        });
        listed.breaker.clone()
    }

    /// The breaker of an instance that discovery shows. One that comes back is a new process: what the old one
    /// did does not count against it. What an operator decided stays.
    pub(super) fn arrived(&self, callee: &'static str, instance: &str) -> Breaker {
        let mut known = self.known();
        if let Some(listed) = known.get_mut(instance) {
            listed.registered = true;
            let breaker = listed.breaker.clone();
            // The observer may look at the list.
            drop(known);
            match breaker.snapshot().state {
                State::Closed | State::Open | State::HalfOpen => breaker.renew(),
                State::ForcedOpen | State::Disabled | State::MetricsOnly => {}
            }
            return breaker;
        }
        let breaker = Breaker::new(instance, settings(), Some(self.observer(callee)))
            .expect("the settings are in range");
        known.insert(instance.to_owned(), Listed { callee, breaker: breaker.clone(), registered: true });
        breaker
    }

    /// The instance may not be called any more.
    pub(super) fn departed(&self, instance: &str) {
        let mut known = self.known();
        if let Some(listed) = known.get_mut(instance) {
            listed.registered = false;
        }
        let departed = || known.iter().filter(|(_, listed)| !listed.registered).map(|(name, _)| name);
        if departed().count() > DEPARTED
            && let Some(first) = departed().next().cloned()
        {
            known.remove(&first);
        }
    }

    fn observer(&self, callee: &'static str) -> Observer {
        let (told, milestones) = (self.told.clone(), self.milestones.clone());
        Arc::new(move |name, event| {
            if is_of_one_call(&event.kind) {
                return;
            }
            log(callee, name, event);
            let news: Told = (name.into(), event.clone());
            let mut milestones = milestones.lock().unwrap_or_else(PoisonError::into_inner);
            if milestones.len() == MILESTONES {
                milestones.pop_front();
            }
            milestones.push_back(news.clone());
            // Fails when nobody watches.
            let _ = told.send(news);
        })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Listed>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For one instance of a service on this machine or the next.
fn settings() -> Config {
    Config {
        // As linkerd has it. A dead instance costs 7 calls; fewer would let one reset connection with a few calls
        // on it cut off a healthy one.
        consecutive_failures: Some(7),
        // Waiting protects a callee that is coming up; probing a dead one costs nothing. 1.5 s at most, so that
        // one that is back gets calls again within 2 s however long it was away. An instance that `doran`
        // restarts is back at once: discovery shows it, and its breaker is reset.
        wait: Wait {
            initial: Duration::from_millis(300),
            factor: 2.0,
            max: Duration::from_millis(1500),
            jitter: 0.2,
        },
        // A callee that asks for more gets more, within reason: it is the one that knows.
        retry_after_cap: Some(Duration::from_secs(5)),
        // From the default: 50 % of at least 10 calls in 30 s, all slower than 5 s, 3 probes, 10 s half-open.
        ..Config::default()
    }
}

/// There is one for every call: for those who ask, not for the log.
fn is_of_one_call(kind: &EventKind) -> bool {
    match kind {
        EventKind::Success { .. }
        | EventKind::Error { .. }
        | EventKind::IgnoredError { .. }
        | EventKind::Cancelled { .. }
        | EventKind::NotPermitted => true,
        EventKind::StateTransition { .. }
        | EventKind::Reset
        | EventKind::ForcedOpen
        | EventKind::Disabled
        | EventKind::FailureRateExceeded { .. }
        | EventKind::SlowCallRateExceeded { .. } => false,
    }
}

fn log(callee: &'static str, name: &str, event: &Event) {
    let EventKind::StateTransition { from, to, cause } = &event.kind else { return };
    let text = format!("breaker {name}: {} to {}: {cause}", from.as_str(), to.as_str());
    match (from, to) {
        (State::Closed, State::Open) | (_, State::ForcedOpen) => warn!(callee, breaker = name, "{text}"),
        // Every second or so while an instance is away.
        (_, State::HalfOpen) | (State::HalfOpen, State::Open) => debug!(callee, breaker = name, "{text}"),
        (_, State::Open | State::Closed | State::Disabled | State::MetricsOnly) => {
            info!(callee, breaker = name, "{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.try_acquire().unwrap().failure("test");
        }
    }

    #[test]
    fn a_dead_instance_costs_seven_calls() {
        let breaker = Breakers::default().arrived("user", "user-1");
        fail(&breaker, 6);
        assert_eq!(breaker.snapshot().state, State::Closed);
        fail(&breaker, 1);
        assert_eq!(breaker.snapshot().state, State::Open);
        assert!(breaker.try_acquire().unwrap_err().retry_after.unwrap() <= Duration::from_millis(360));
    }

    #[test]
    fn an_instance_that_comes_back_starts_anew_unless_an_operator_said_otherwise() {
        let breakers = Breakers::default();
        let mut watch = breakers.watch();
        let breaker = breakers.arrived("user", "user-1");
        fail(&breaker, 7);
        breakers.departed("user-1");
        assert!(!breakers.find("user-1").unwrap().registered);
        assert_eq!(breakers.arrived("user", "user-1").snapshot().state, State::Closed);
        assert_eq!(breakers.find("user-1").unwrap().breaker.snapshot().totals.opened, 1, "its past is kept");
        let told: Vec<_> =
            std::iter::from_fn(|| watch.try_recv().ok()).map(|(_, e)| e.kind.as_str()).collect();
        assert_eq!(told, ["STATE_TRANSITION", "STATE_TRANSITION", "RESET"]);
        breaker.force_open();
        breakers.departed("user-1");
        assert_eq!(breakers.arrived("user", "user-1").snapshot().state, State::ForcedOpen);
    }

    #[test]
    fn what_is_no_instance_is_guarded_and_listed_too() {
        let breakers = Breakers::default();
        let breaker = breakers.guard("mail", Config::default());
        breaker.force_open();
        let listed = breakers.find("mail").unwrap();
        assert!(listed.registered && listed.breaker.snapshot().state == State::ForcedOpen);
        assert_eq!(
            breakers.guard("mail", Config::default()).snapshot().state,
            State::ForcedOpen,
            "the same one"
        );
        assert_eq!(breakers.events(&breaker).len(), 2);
    }

    #[test]
    fn many_calls_do_not_hide_a_transition() {
        let breakers = Breakers::default();
        let breaker = breakers.arrived("user", "user-1");
        breakers.arrived("user", "user-2").force_open();
        fail(&breaker, 7);
        for _ in 0..1000 {
            breaker.try_acquire().unwrap_err();
        }
        let events = breakers.events(&breaker);
        assert_eq!((events.len(), events[0].kind.as_str()), (101, "STATE_TRANSITION"));
        assert_eq!(events[1].kind.as_str(), "NOT_PERMITTED");
    }

    #[test]
    fn the_past_is_bounded() {
        let breakers = Breakers::default();
        breakers.arrived("user", "here");
        for n in 0..100 {
            breakers.arrived("user", &format!("gone-{n}"));
            breakers.departed(&format!("gone-{n}"));
        }
        assert_eq!(breakers.list().len(), DEPARTED + 1);
        assert!(breakers.find("here").is_some());
    }
}
