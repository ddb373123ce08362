//! The connections of this instance, and which of them the database does not know yet.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use contract::id::{RoomId, UserId};
use tokio::sync::Notify;

use crate::repository::presence::Connections;

type Key = (RoomId, UserId);

/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    counts: HashMap<Key, i32>,
    dirty: HashSet<Key>,
}

/// One connection. It counts until it is dropped.
#[derive(Debug)]
pub struct Present {
    registry: Registry,
    key: Key,
}

impl Registry {
    pub(super) fn enter(&self, room: RoomId, user: UserId) -> Present {
        let key = (room, user);
        self.change(|state| {
            *state.counts.entry(key).or_default() += 1;
            state.dirty.insert(key);
        });
        self.inner.changed.notify_one();
        Present { registry: self.clone(), key }
    }

    /// Completes when there is something new to tell; at once if there was since the last time.
    pub(super) async fn changed(&self) {
        self.inner.changed.notified().await;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.change(|state| state.counts.is_empty())
    }

    pub(super) fn is_told(&self) -> bool {
        self.change(|state| state.dirty.is_empty())
    }

    /// Up to `most` of what is to be told, which counts as told from now on.
    pub(super) fn take(&self, most: usize) -> Vec<Connections> {
        self.change(|state| {
            let keys: Vec<_> = state.dirty.iter().take(most).copied().collect();
            for key in &keys {
                state.dirty.remove(key);
            }
            let count = |key| state.counts.get(&key).copied().unwrap_or(0);
            keys.into_iter().map(|key| Connections { room: key.0, user: key.1, count: count(key) }).collect()
        })
    }

    /// It could not be told after all.
    pub(super) fn put_back(&self, untold: &[Connections]) {
        self.change(|state| state.dirty.extend(untold.iter().map(|row| (row.room, row.user))));
    }

    /// Everything has to be told again.
    pub(super) fn forget(&self) {
        self.change(|state| state.dirty.extend(state.counts.keys().copied()));
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.inner.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.registry.change(|state| {
            if let Entry::Occupied(mut count) = state.counts.entry(self.key) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
            state.dirty.insert(self.key);
        });
        self.registry.inner.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ids(n: u128) -> Key {
        (Uuid::from_u128(n).into(), Uuid::from_u128(n).into())
    }

    #[test]
    fn what_is_told_is_what_is_so_then_not_what_has_happened() {
        let registry = Registry::default();
        let (room, user) = ids(1);
        let row = |count| vec![Connections { room, user, count }];
        let first = registry.enter(room, user);
        let second = registry.enter(room, user);
        assert_eq!(registry.take(9), row(2));
        assert!(registry.is_told() && !registry.is_empty());
        drop(first);
        registry.put_back(&row(2));
        assert_eq!(registry.take(9), row(1));
        registry.forget();
        assert_eq!(registry.take(9), row(1), "the database has lost it");
        drop(second);
        assert!(registry.is_empty() && !registry.is_told());
        assert_eq!(registry.take(9), row(0));
    }

    #[test]
    fn much_is_told_in_pieces() {
        let registry = Registry::default();
        let present: Vec<_> = (0..5).map(|n| registry.enter(ids(n).0, ids(n).1)).collect();
        assert_eq!([2, 2, 2, 2].map(|most| registry.take(most).len()), [2, 2, 1, 0]);
        drop(present);
    }
}
