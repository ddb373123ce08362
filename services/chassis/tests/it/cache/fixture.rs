//! Processes with a cache, and what their caches stand before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use chassis::cache::{Cache, Versioned};
use chassis::{Platform, Reader};
use redis::aio::MultiplexedConnection;
use testkit::{TestRedis, eventually};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const LONG: Duration = Duration::from_mins(10);
pub(crate) const KEY: &str = "auth:v1:thing:a";

/// A process with its platform.
pub(crate) struct Process {
    pub(crate) platform: Platform,
    pub(crate) things: Cache<String>,
}

impl Process {
    pub(crate) async fn with(redis: Option<&TestRedis>, ttl: Duration) -> Self {
        let env: BTreeMap<_, _> =
            redis.map(|redis| ("REDIS_URL".to_owned(), redis.url())).into_iter().collect();
        let platform = Platform::quiet(Reader::new(&env).base("auth", 8081)).unwrap();
        let things = Cache::new(&platform, "thing", ttl);
        let process = Self { platform, things };
        if redis.is_some() {
            process.connected().await;
        }
        process
    }

    pub(crate) async fn connected(&self) {
        let link = self.platform.redis().link().unwrap();
        eventually(PATIENCE, || async { link.is_up() }).await;
    }

    /// Invalidates for sure: what Redis is too slow for is not repeated by itself.
    pub(crate) async fn invalidate(&self, version: i64) {
        let link = self.platform.redis().link().unwrap();
        eventually(PATIENCE, || async {
            self.things.invalidate("a", version).await;
            link.is_up()
        })
        .await;
    }

    pub(crate) async fn disconnected(&self) {
        let link = self.platform.redis().link().unwrap();
        eventually(PATIENCE, || async { !link.is_up() }).await;
    }
}

/// What the cache stands before: counts how often it is read.
#[derive(Clone, Default)]
pub(crate) struct Source {
    pub(crate) version: Arc<AtomicI64>,
    reads: Arc<AtomicU32>,
}

impl Source {
    pub(crate) fn change(&self) -> i64 {
        self.version.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn reads(&self) -> u32 {
        self.reads.load(Ordering::SeqCst)
    }

    pub(crate) fn read(&self) -> Versioned<String> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let version = self.version.load(Ordering::SeqCst);
        Versioned { version, value: format!("v{version}") }
    }

    pub(crate) async fn through(&self, cache: &Cache<String>) -> String {
        let found = cache.get("a", || {
            let source = self.clone();
            async move { Ok(Some(source.read())) }
        });
        found.await.unwrap().unwrap().to_string()
    }
}

/// What Redis has for `a`.
pub(crate) async fn held(look: &MultiplexedConnection) -> Option<String> {
    redis::cmd("GET").arg(KEY).query_async(&mut look.clone()).await.unwrap()
}
/// A reader that has read the source and not put it yet.
pub(crate) struct SlowReader {
    reader: JoinSet<String>,
    gate: Arc<Semaphore>,
}

impl SlowReader {
    pub(crate) async fn start(process: &Process, source: &Source) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let (things, reading, held_back) = (process.things.clone(), source.clone(), Arc::clone(&gate));
        let before = source.reads();
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            let found = things.get("a", || {
                let (source, gate) = (reading.clone(), Arc::clone(&held_back));
                async move {
                    let read = source.read();
                    gate.acquire().await.unwrap().forget();
                    Ok(Some(read))
                }
            });
            found.await.unwrap().unwrap().to_string()
        });
        eventually(PATIENCE, || async { source.reads() > before }).await;
        Self { reader, gate }
    }

    pub(crate) async fn finish(mut self) -> String {
        self.gate.add_permits(1);
        self.reader.join_next().await.unwrap().unwrap()
    }
}
