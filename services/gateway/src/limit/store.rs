//! The state of all rate limits of this process, shared by its cores.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use uuid::Uuid;

use super::gcra::{Limit, Verdict};

/// Enough that two cores rarely meet at one lock.
const SHARDS: usize = 64;
/// Keys of one shard before it is swept at once instead of by the timer: 262,144 keys in all, about
/// 16 MiB. A key lives no longer than its bucket needs to fill, which is 2 s with the standard limits.
const SHARD_KEYS: usize = 4096;

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    User(Uuid),
    Address(IpAddr),
}

impl Caller {
    /// One customer of an IPv6 provider owns a /64, so that is one caller.
    pub(crate) fn from_address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let network = u128::from(v6) & !u128::from(u64::MAX);
                Self::Address(IpAddr::V6(network.into()))
            }
            v4 @ IpAddr::V4(_) => Self::Address(v4),
        }
    }
}

/// As it stands in the keys of Redis.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{}", id.simple()),
            Self::Address(address) => write!(f, "address:{address}"),
        }
    }
}

/// The route by its name's hash, so that a reload that keeps the name keeps the counts.
type Key = (u64, Caller);

pub(crate) struct Limiter {
    start: Instant,
    hasher: RandomState,
    shard_keys: usize,
    shards: Vec<Mutex<HashMap<Key, u64>>>,
}

impl Limiter {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            hasher: RandomState::new(),
            shard_keys: SHARD_KEYS,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Counts one request of `caller` on `route`.
    pub(crate) fn check(&self, route: &str, limit: &Limit, caller: Caller) -> Verdict {
        self.check_at(self.now(), route, limit, caller)
    }

    /// Forgets the keys whose buckets are full again: they are as good as new.
    pub(crate) fn sweep(&self) {
        let now = self.now();
        for shard in &self.shards {
            let mut keys = shard.lock().unwrap_or_else(PoisonError::into_inner);
            keys.retain(|_, arrival| *arrival > now);
            if keys.capacity() > 4 * keys.len().max(64) {
                keys.shrink_to_fit();
            }
        }
    }

    fn check_at(&self, now: u64, route: &str, limit: &Limit, caller: Caller) -> Verdict {
        let key = (self.hasher.hash_one(route), caller);
        let hash = self.hasher.hash_one(key);
        let shard = &self.shards[usize::try_from(hash % SHARDS as u64).expect("below the number of shards")];
        let mut keys = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= self.shard_keys && !keys.contains_key(&key) {
            keys.retain(|_, arrival| *arrival > now);
        }
        let (verdict, arrival) = limit.decide(keys.get(&key).copied().unwrap_or(0), now);
        // A shard that is full of live keys means that hundreds of thousands call at once; not
        // remembering one more of them is the lesser evil.
        if keys.len() < self.shard_keys || keys.contains_key(&key) {
            keys.insert(key, arrival);
        }
        verdict
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    #[cfg(test)]
    fn keys(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Caller {
        Caller::from_address(text.parse().unwrap())
    }

    #[test]
    fn callers_and_routes_are_counted_apart() {
        let limiter = Limiter::new();
        let limit = Limit::new(1, 1).unwrap();
        let user = Caller::User(Uuid::from_u128(7));
        for (route, caller) in [("auth", user), ("chat", user), ("auth", address("10.0.0.1"))] {
            assert!(limiter.check_at(0, route, &limit, caller).retry_after().is_none());
            assert!(limiter.check_at(0, route, &limit, caller).retry_after().is_some());
        }
    }

    #[test]
    fn an_ipv6_customer_is_one_caller_and_a_mapped_address_its_ipv4() {
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:10.0.0.1"), address("10.0.0.1"));
    }

    #[test]
    fn keys_are_bounded_and_full_buckets_forgotten() {
        let limiter = Limiter { shard_keys: 8, ..Limiter::new() };
        let limit = Limit::new(1_000_000_000, 1).unwrap();
        for user in 0..(SHARDS * 8 * 4) as u128 {
            limiter.check_at(0, "auth", &limit, Caller::User(Uuid::from_u128(user)));
        }
        assert!(limiter.keys() <= SHARDS * 8);
        limiter.sweep();
        assert_eq!(limiter.keys(), 0);
    }

    #[test]
    fn threads_together_admit_no_more_than_the_burst() {
        let limiter = Limiter::new();
        let limit = Limit::new(1, 50).unwrap();
        let caller = Caller::User(Uuid::from_u128(1));
        let admitted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..100)
                            .filter(|_| limiter.check_at(0, "a", &limit, caller).retry_after().is_none())
                            .count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 50);
    }
}
