//! Verified tokens by their SHA-256, bounded: a signature check costs more than a whole proxied request.
//!
//! Two generations a shard: when the young one is full it becomes the old one, and what is not asked for again
//! is forgotten with it. That bounds memory without a list of uses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use contract::claims::AccessClaims;

/// Tokens remembered, at least; at most twice as many. At about 500 bytes each that is below 16 MiB.
const CAPACITY: usize = 16 * 1024;
const SHARDS: usize = 16;

pub(super) type Key = [u8; 32];

#[derive(Default)]
struct Shard {
    young: HashMap<Key, Arc<AccessClaims>>,
    old: HashMap<Key, Arc<AccessClaims>>,
}

pub(super) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
}

impl Cache {
    pub(super) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }

    pub(super) fn key(token: &str) -> Key {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// The claims of a token that is still good at `now` (seconds since 1970).
    pub(super) fn get(&self, key: &Key, now: i64) -> Option<Arc<AccessClaims>> {
        self.with(key, |shard| {
            let claims = if let Some(claims) = shard.young.get(key) {
                claims.clone()
            } else {
                let claims = shard.old.remove(key)?;
                shard.add(*key, claims.clone());
                claims
            };
            if claims.exp > now {
                return Some(claims);
            }
            shard.young.remove(key);
            None
        })
    }

    pub(super) fn put(&self, key: Key, claims: Arc<AccessClaims>) {
        self.with(&key, |shard| shard.add(key, claims));
    }

    /// Forgets everything: a key was withdrawn.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            *shard.lock().unwrap_or_else(PoisonError::into_inner) = Shard::default();
        }
    }

    fn with<T>(&self, key: &Key, work: impl FnOnce(&mut Shard) -> T) -> T {
        let shard = &self.shards[usize::from(key[0]) % SHARDS];
        work(&mut shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shard {
    fn add(&mut self, key: Key, claims: Arc<AccessClaims>) {
        if self.young.len() >= CAPACITY / SHARDS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, claims);
    }
}

#[cfg(test)]
mod tests {
    use contract::user::Role;
    use uuid::Uuid;

    use super::*;

    fn claims(exp: i64) -> Arc<AccessClaims> {
        Arc::new(AccessClaims {
            iss: String::new(),
            aud: String::new(),
            sub: Uuid::nil().into(),
            sid: Uuid::nil().into(),
            jti: Uuid::nil().into(),
            iat: 0,
            exp,
            email: String::new(),
            name: String::new(),
            role: Role::User,
        })
    }

    #[test]
    fn a_token_is_forgotten_when_it_expires() {
        let (cache, key) = (Cache::new(), Cache::key("token"));
        cache.put(key, claims(10));
        assert!(cache.get(&key, 9).is_some());
        assert!(cache.get(&key, 10).is_none());
        assert!(cache.get(&key, 9).is_none(), "the expired one is gone");
        assert!(cache.get(&Cache::key("other"), 0).is_none());
    }

    #[test]
    fn memory_is_bounded_and_tokens_in_use_survive() {
        let (cache, used) = (Cache::new(), Cache::key("used"));
        cache.put(used, claims(10));
        for n in 0..CAPACITY * 4 {
            cache.put(Cache::key(&n.to_string()), claims(10));
            assert!(cache.get(&used, 0).is_some(), "after {n}");
        }
        let held: usize =
            cache.shards.iter().map(|shard| shard.lock().map(|s| s.young.len() + s.old.len()).unwrap()).sum();
        assert!(held <= CAPACITY * 2, "{held}");
    }
}
