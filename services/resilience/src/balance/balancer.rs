//! A shared pool of endpoints, and calls that give back their place when they are dropped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::pool::{Pool, View};

/// Cheap to clone; clones share the endpoints.
#[derive(Debug, Clone)]
pub struct Balancer<K: Eq + Clone> {
    pool: Arc<Mutex<Pool<K>>>,
}

impl<K: Eq + Clone> Default for Balancer<K> {
    fn default() -> Self {
        Self { pool: Arc::default() }
    }
}

impl<K: Eq + Clone> Balancer<K> {
    /// Takes over the list of endpoints as discovery has it now.
    pub fn update(&self, keys: &[K]) {
        self.pool().update(keys, Instant::now());
    }

    /// Chooses among the endpoints for which `usable` holds: not tried before, breaker not open. `usable` must
    /// not call the balancer.
    pub fn choose(&self, usable: impl Fn(&K) -> bool) -> Option<Chosen<K>> {
        let now = Instant::now();
        let key = self.pool().choose(usable, now, &mut rand::rng())?;
        Some(Chosen { balancer: self.clone(), key, since: now })
    }

    pub fn view(&self) -> Vec<View<K>> {
        self.pool().view(Instant::now())
    }

    fn pool(&self) -> MutexGuard<'_, Pool<K>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call to one endpoint. Dropped without a word it is only over: failures of the service are the breaker's
/// business, and their times say nothing.
#[derive(Debug)]
pub struct Chosen<K: Eq + Clone> {
    balancer: Balancer<K>,
    key: K,
    since: Instant,
}

impl<K: Eq + Clone> Chosen<K> {
    pub const fn key(&self) -> &K {
        &self.key
    }

    /// The endpoint answered: the time since the choice counts.
    pub fn answered(self) {
        let now = Instant::now();
        self.balancer.pool().answered(&self.key, now - self.since, now);
    }

    /// No connection could be made: nothing was sent, and the endpoint is left alone for a while.
    pub fn unreachable(self) {
        self.balancer.pool().unreachable(&self.key, Instant::now());
    }
}

impl<K: Eq + Clone> Drop for Chosen<K> {
    fn drop(&mut self) {
        self.balancer.pool().release(&self.key);
    }
}
