//! Whether a service may get requests: a set of named conditions, each met once and for good.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Ready when every condition is met and no stop was asked for.
#[derive(Clone, Default)]
pub struct Readiness {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Conditions that are not met yet, with the reason.
    missing: BTreeMap<&'static str, String>,
    phase: Phase,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Running,
    Draining,
    /// A task that must not end has panicked.
    Broken(&'static str),
}

/// One thing that must be true before the service is ready.
pub struct Condition {
    name: &'static str,
    readiness: Readiness,
}

impl Readiness {
    /// Adds a condition, not met so far.
    pub fn condition(&self, name: &'static str) -> Condition {
        self.change(|state| {
            state.missing.insert(name, "not checked yet".to_owned());
        });
        Condition { name, readiness: self.clone() }
    }

    /// # Errors
    /// What is missing, by condition.
    pub fn check(&self) -> Result<(), BTreeMap<&'static str, String>> {
        self.change(|state| {
            let mut missing = state.missing.clone();
            match state.phase {
                Phase::Running => {}
                Phase::Draining => {
                    missing.insert("running", "the service is stopping".to_owned());
                }
                Phase::Broken(task) => {
                    missing.insert("running", format!("task {task} has failed"));
                }
            }
            if missing.is_empty() { Ok(()) } else { Err(missing) }
        })
    }

    /// # Errors
    /// The task whose failure only a restart cures.
    pub fn check_live(&self) -> Result<(), &'static str> {
        self.change(|state| match state.phase {
            Phase::Running | Phase::Draining => Ok(()),
            Phase::Broken(task) => Err(task),
        })
    }

    /// From now on not ready: the service stops.
    pub(crate) fn drain(&self) {
        self.change(|state| state.phase = Phase::Draining);
    }

    pub(crate) fn break_down(&self, task: &'static str) {
        self.change(|state| state.phase = Phase::Broken(task));
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Condition {
    pub fn met(&self) {
        self.readiness.change(|state| {
            state.missing.remove(self.name);
        });
    }

    /// Says why it is still not met.
    pub fn unmet(&self, reason: impl Into<String>) {
        self.readiness.change(|state| {
            state.missing.insert(self.name, reason.into());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_every_condition_is_met() {
        let readiness = Readiness::default();
        assert_eq!(readiness.check(), Ok(()));
        let schema = readiness.condition("schema");
        let keys = readiness.condition("keys");
        schema.unmet("version 1, needs 2");
        keys.met();
        assert_eq!(readiness.check().unwrap_err()["schema"], "version 1, needs 2");
        schema.met();
        assert_eq!(readiness.check(), Ok(()));
        readiness.drain();
        assert!(readiness.check().is_err());
        assert_eq!(readiness.check_live(), Ok(()), "stopping is no reason to be killed");
    }
}
