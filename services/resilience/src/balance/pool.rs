//! The endpoints of one service and the choice among them: power of two choices over peak EWMA.

use std::time::Duration;

use rand::{Rng, RngExt as _};
use tokio::time::Instant;

use super::endpoint::Endpoint;

/// What an endpoint of an unknown service is expected to take, as linkerd has it.
const DEFAULT_RTT: Duration = Duration::from_millis(30);

/// Pure: time and randomness are given.
#[derive(Debug)]
pub(super) struct Pool<K> {
    endpoints: Vec<(K, Endpoint)>,
}

/// How an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Ready,
    /// Not asked for now: it could not be connected to.
    Ejected,
}

/// One endpoint, to show.
#[derive(Debug, Clone, PartialEq)]
pub struct View<K> {
    pub key: K,
    pub standing: Standing,
    pub estimate: Duration,
    pub in_flight: u32,
}

impl<K: Eq + Clone> Default for Pool<K> {
    fn default() -> Self {
        Self { endpoints: Vec::new() }
    }
}

impl<K: Eq + Clone> Pool<K> {
    /// Takes over the list: those known keep what is known of them, new ones start slowly.
    pub(super) fn update(&mut self, keys: &[K], now: Instant) {
        self.endpoints.retain(|(key, _)| keys.contains(key));
        let added = (!self.endpoints.is_empty()).then_some(now);
        let estimate = self.mean_estimate(now);
        for key in keys {
            if self.get(key).is_none() {
                self.endpoints.push((key.clone(), Endpoint::new(estimate, added, now)));
            }
        }
    }

    /// Chooses among the usable endpoints and counts a call to the chosen one as in flight. An ejected one is
    /// chosen only when no other is usable.
    pub(super) fn choose(
        &mut self,
        usable: impl Fn(&K) -> bool,
        now: Instant,
        rng: &mut impl Rng,
    ) -> Option<K> {
        let all: Vec<usize> = (0..self.endpoints.len()).filter(|&at| usable(&self.endpoints[at].0)).collect();
        let narrow = |from: &[usize], keep: &mut dyn FnMut(&Endpoint) -> bool| -> Vec<usize> {
            let kept: Vec<usize> = from.iter().copied().filter(|&at| keep(&self.endpoints[at].1)).collect();
            if kept.is_empty() { from.to_vec() } else { kept }
        };
        let reachable = narrow(&all, &mut |endpoint| !endpoint.is_ejected(now));
        let candidates = narrow(&reachable, &mut |endpoint| endpoint.takes_part(now, rng));
        let chosen = self.cheaper_of_two(&candidates, now, rng)?;
        let (key, endpoint) = &mut self.endpoints[chosen];
        endpoint.in_flight += 1;
        Some(key.clone())
    }

    fn cheaper_of_two(&self, candidates: &[usize], now: Instant, rng: &mut impl Rng) -> Option<usize> {
        match candidates {
            [] => None,
            [only] => Some(*only),
            several => {
                let first = rng.random_range(0..several.len());
                let second = (first + rng.random_range(1..several.len())) % several.len();
                let cost = |at: usize| self.endpoints[several[at]].1.cost(now);
                Some(several[if cost(second) < cost(first) { second } else { first }])
            }
        }
    }

    /// The call was answered after `rtt`.
    pub(super) fn answered(&mut self, key: &K, rtt: Duration, now: Instant) {
        if let Some(endpoint) = self.get(key) {
            endpoint.answered(rtt, now);
        }
    }

    /// No connection could be made.
    pub(super) fn unreachable(&mut self, key: &K, now: Instant) {
        let out = self.endpoints.iter().filter(|(other, e)| other != key && e.is_ejected(now)).count();
        // At most half, and so never the only one.
        let may_eject = (out + 1) * 2 <= self.endpoints.len();
        if let Some(endpoint) = self.get(key) {
            endpoint.unreachable(may_eject, now);
        }
    }

    /// The call is over.
    pub(super) fn release(&mut self, key: &K) {
        if let Some(endpoint) = self.get(key) {
            endpoint.in_flight = endpoint.in_flight.saturating_sub(1);
        }
    }

    pub(super) fn view(&self, now: Instant) -> Vec<View<K>> {
        let view = |(key, endpoint): &(K, Endpoint)| View {
            key: key.clone(),
            standing: if endpoint.is_ejected(now) { Standing::Ejected } else { Standing::Ready },
            estimate: Duration::from_secs_f64(endpoint.estimate_at(now)),
            in_flight: endpoint.in_flight,
        };
        self.endpoints.iter().map(view).collect()
    }

    fn get(&mut self, key: &K) -> Option<&mut Endpoint> {
        self.endpoints.iter_mut().find(|(known, _)| known == key).map(|(_, endpoint)| endpoint)
    }

    /// What to expect of a newcomer: what the others take.
    fn mean_estimate(&self, now: Instant) -> Duration {
        if self.endpoints.is_empty() {
            return DEFAULT_RTT;
        }
        let sum: f64 = self.endpoints.iter().map(|(_, endpoint)| endpoint.estimate_at(now)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a service has few endpoints")]
        let mean = sum / self.endpoints.len() as f64;
        Duration::from_secs_f64(mean)
    }
}
