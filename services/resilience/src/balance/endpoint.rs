//! What is known of one endpoint: how slow it is, how busy, how new, and whether it can be reached.

use std::time::Duration;

use rand::{Rng, RngExt as _};
use tokio::time::Instant;

/// How fast an estimate forgets, as linkerd has it.
const DECAY: Duration = Duration::from_secs(10);
/// A new endpoint gets its full part of the calls after this long.
const SLOW_START: Duration = Duration::from_secs(10);
/// The first moment of a new endpoint's slow start is not nothing.
const SMALLEST_PART: f64 = 0.1;
/// The first ejection; each further one without an answer in between is twice as long.
const EJECTION: Duration = Duration::from_secs(1);
const LONGEST_EJECTION: Duration = Duration::from_secs(30);
/// How much worse an endpoint looks that failed and may not be ejected, or comes back from an ejection and
/// has its first call out.
const SUSPECT: f64 = 10.0;

#[derive(Debug)]
pub(super) struct Endpoint {
    estimate: f64,
    estimated_at: Instant,
    pub(super) in_flight: u32,
    /// `None` for those that were there from the start.
    added: Option<Instant>,
    failures: u32,
    until: Instant,
    ejected: bool,
}

impl Endpoint {
    pub(super) fn new(estimate: Duration, added: Option<Instant>, now: Instant) -> Self {
        Self {
            estimate: estimate.as_secs_f64(),
            estimated_at: now,
            in_flight: 0,
            added,
            failures: 0,
            until: now,
            ejected: false,
        }
    }

    /// Peak EWMA: a slower answer counts at once and whole, a faster one by and by.
    pub(super) fn answered(&mut self, rtt: Duration, now: Instant) {
        let rtt = rtt.as_secs_f64();
        self.estimate = if rtt > self.estimate_at(now) { rtt } else { self.blend(rtt, now) };
        self.estimated_at = now;
        self.failures = 0;
        self.ejected = false;
    }

    /// Counts a failed connection; an endpoint that is out already is not put out for longer by calls that were
    /// on their way.
    pub(super) fn unreachable(&mut self, may_eject: bool, now: Instant) {
        if now < self.until {
            return;
        }
        let doublings = self.failures.min(16);
        self.until = now + EJECTION.saturating_mul(1 << doublings).min(LONGEST_EJECTION);
        self.failures += 1;
        self.ejected = may_eject;
    }

    pub(super) fn is_ejected(&self, now: Instant) -> bool {
        self.ejected && now < self.until
    }

    /// Takes part in a draw, by chance while it is new.
    pub(super) fn takes_part(&self, now: Instant, rng: &mut impl Rng) -> bool {
        let Some(added) = self.added else { return true };
        let part = now.saturating_duration_since(added).as_secs_f64() / SLOW_START.as_secs_f64();
        part >= 1.0 || rng.random::<f64>() < part.max(SMALLEST_PART)
    }

    /// The expected wait of one more call, in arbitrary units.
    pub(super) fn cost(&self, now: Instant) -> f64 {
        let waits = f64::from(self.in_flight) + 1.0;
        let suspect = self.failures > 0 && (now < self.until || self.in_flight > 0);
        self.estimate_at(now) * waits * if suspect { SUSPECT } else { 1.0 }
    }

    /// Decays towards zero, so that an endpoint which was slow once is asked again.
    pub(super) fn estimate_at(&self, now: Instant) -> f64 {
        self.blend(0.0, now)
    }

    fn blend(&self, rtt: f64, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(self.estimated_at);
        let kept = (-elapsed.as_secs_f64() / DECAY.as_secs_f64()).exp();
        self.estimate * kept + rtt * (1.0 - kept)
    }
}
