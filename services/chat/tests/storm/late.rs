//! How long after it was stored a message came to the clients, and which fault was to blame.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// The longest time from storing a message to bringing it, by what was going on.
#[derive(Debug, Default)]
pub(crate) struct Late {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    now: &'static str,
    longest: BTreeMap<&'static str, Duration>,
    freeze: Duration,
    /// The longest time of all, and what its client went through.
    latest: (Duration, String),
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            now: "no fault",
            longest: BTreeMap::new(),
            freeze: Duration::ZERO,
            latest: (Duration::ZERO, String::new()),
        }
    }
}

impl Late {
    /// From now on this is going on.
    pub(crate) fn during(&self, what: &'static str) {
        self.inner.lock().unwrap().now = what;
    }

    /// A message has come, after what `tale` tells.
    pub(crate) fn came(&self, message: &Value, tale: impl FnOnce() -> String) {
        let stored = message["createdAt"].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        let Some(stored) = stored else { return };
        // One clock: database and clients are on this machine.
        let late = (Utc::now() - stored.with_timezone(&Utc)).to_std().unwrap_or_default();
        let mut inner = self.inner.lock().unwrap();
        let now = inner.now;
        let longest = inner.longest.entry(now).or_default();
        *longest = late.max(*longest);
        if late > inner.latest.0 {
            inner.latest = (late, tale());
        }
    }

    /// An instance was frozen for so long: who had a stream there got nothing meanwhile.
    pub(crate) fn frozen(&self, time: Duration) {
        let mut inner = self.inner.lock().unwrap();
        inner.freeze = time.max(inner.freeze);
    }

    pub(crate) fn longest_freeze(&self) -> Duration {
        self.inner.lock().unwrap().freeze
    }

    pub(crate) fn tale(&self) -> String {
        self.inner.lock().unwrap().latest.1.clone()
    }

    pub(crate) fn longest(&self) -> BTreeMap<&'static str, Duration> {
        self.inner.lock().unwrap().longest.clone()
    }
}
