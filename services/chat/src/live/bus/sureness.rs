//! Whether wakes arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::live) struct Sureness(Arc<Ways>);

#[derive(Debug)]
struct Ways {
    redis: AtomicBool,
    postgres: AtomicBool,
}

impl Sureness {
    /// Where no Redis is configured, nobody wakes by it.
    pub(in crate::live) fn new(with_redis: bool) -> Self {
        Self(Arc::new(Ways { redis: AtomicBool::new(!with_redis), postgres: AtomicBool::new(false) }))
    }

    /// Others wake by one or the other, as they see it: both have to be heard.
    pub(in crate::live) fn is_sure(&self) -> bool {
        self.0.redis.load(Ordering::Relaxed) && self.0.postgres.load(Ordering::Relaxed)
    }

    pub(super) fn set_redis(&self, up: bool) {
        self.0.redis.store(up, Ordering::Relaxed);
    }

    pub(super) fn set_postgres(&self, up: bool) {
        self.0.postgres.store(up, Ordering::Relaxed);
    }
}
