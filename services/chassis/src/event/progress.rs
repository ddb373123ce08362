//! How a consumer of this process is doing.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Progress {
    state: Arc<Mutex<State>>,
    nudge: Arc<Notify>,
}

#[derive(Default)]
struct State {
    role: Role,
    position: i64,
    head: i64,
    /// When the oldest event that is not taken happened, or the last one that is.
    reached: Option<DateTime<Utc>>,
}

#[derive(Default, Clone, PartialEq, Eq)]
enum Role {
    /// Another replica works, or nobody does yet.
    #[default]
    StandingBy,
    Working,
    Failing(String),
}

/// What is still to be taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lag {
    pub(super) events: i64,
    /// Age of about the oldest of them; 0 without any.
    pub(super) seconds: f64,
}

impl Progress {
    pub(super) fn standing_by(&self) {
        self.change(|state| state.role = Role::StandingBy);
    }

    /// Took everything up to `position`, the last of it from `time`.
    pub(super) fn took(&self, position: i64, time: DateTime<Utc>) {
        self.change(|state| {
            state.role = Role::Working;
            state.position = position;
            state.reached = Some(time);
        });
    }

    /// The producer answered: its last position is `head`, ours is `position`, and what follows it is from
    /// `oldest`. As long as it has not taken effect, what failed before may fail again.
    pub(super) fn heard(&self, position: i64, head: i64, oldest: Option<DateTime<Utc>>) {
        self.change(|state| {
            if oldest.is_none() || state.role == Role::StandingBy {
                state.role = Role::Working;
            }
            state.position = position;
            state.head = head;
            state.reached = oldest;
        });
    }

    pub(super) fn failing(&self, why: String) {
        self.change(|state| state.role = Role::Failing(why));
    }

    pub(super) fn is_failing(&self) -> bool {
        self.change(|state| matches!(state.role, Role::Failing(_)))
    }

    /// Makes the consumer look at its position now.
    pub(super) fn nudge(&self) {
        self.nudge.notify_one();
    }

    pub(super) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// Nothing for a replica that stands by.
    pub(super) fn lag(&self, now: DateTime<Utc>) -> Option<Lag> {
        self.change(|state| {
            if state.role == Role::StandingBy {
                return None;
            }
            let events = (state.head - state.position).max(0);
            let behind =
                state.reached.filter(|_| events > 0).map(|reached| (now - reached).max(TimeDelta::zero()));
            Some(Lag { events, seconds: behind.map_or(0.0, TimeDelta::as_seconds_f64) })
        })
    }

    pub(super) fn details(&self) -> Value {
        let lag = self.lag(Utc::now());
        self.change(|state| {
            let (role, error) = match &state.role {
                Role::StandingBy => ("STANDING_BY", None),
                Role::Working => ("WORKING", None),
                Role::Failing(why) => ("FAILING", Some(why)),
            };
            let mut details = json!({ "state": role });
            if let Some(lag) = lag {
                details["position"] = state.position.into();
                details["lag"] = lag.events.into();
                details["lagSeconds"] = lag.seconds.into();
            }
            if let Some(error) = error {
                details["error"] = error.as_str().into();
            }
            details
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_what_lies_between_the_producer_and_us() {
        let (progress, now) = (Progress::default(), Utc::now());
        assert_eq!(progress.lag(now), None, "standing by");
        progress.heard(3, 10, Some(now - TimeDelta::seconds(9)));
        assert_eq!(progress.lag(now), Some(Lag { events: 7, seconds: 9.0 }));
        progress.took(8, now - TimeDelta::seconds(5));
        assert_eq!(progress.lag(now), Some(Lag { events: 2, seconds: 5.0 }));
        progress.took(10, now - TimeDelta::seconds(4));
        assert_eq!(progress.lag(now), Some(Lag { events: 0, seconds: 0.0 }));
    }

    #[test]
    fn a_failing_consumer_says_why_until_it_works_again() {
        let progress = Progress::default();
        progress.failing("the feed is gone".to_owned());
        assert!(progress.is_failing());
        assert_eq!(progress.details()["error"], "the feed is gone");
        progress.heard(0, 0, None);
        assert!(!progress.is_failing());
        assert_eq!(progress.details()["state"], "WORKING");
    }
}
