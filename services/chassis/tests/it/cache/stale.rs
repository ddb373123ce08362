//! Old data never comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use testkit::{TestRedis, eventually};
use tokio::task::JoinSet;

use super::fixture::{LONG, PATIENCE, Process, SlowReader, Source, held};

#[tokio::test]
async fn a_slow_reader_cannot_put_back_what_was_changed_meanwhile() {
    let Some(redis) = TestRedis::start().await else { return };
    let (here, there) = (Process::with(Some(&redis), LONG).await, Process::with(Some(&redis), LONG).await);
    let look = redis.connect().await;
    // Whether nobody, or somebody faster, read the new state in between; and also when Redis forgot everything.
    for between in ["nothing", "a new reader", "FLUSHALL", "FLUSHALL and a new reader"] {
        redis.run("FLUSHALL").await;
        let source = Source::default();
        let slow = SlowReader::start(&here, &source).await;
        let version = source.change();
        if between.contains("FLUSHALL") {
            redis.run("FLUSHALL").await;
        } else {
            there.invalidate(version).await;
        }
        if between.contains("new reader") {
            assert_eq!(source.through(&there.things).await, "v1");
        }
        assert_eq!(slow.finish().await, "v0", "it began before the change");
        assert_ne!(held(&look).await, Some("V0 \"v0\"".to_owned()), "{between}");
        here.connected().await;
        assert_eq!(source.through(&here.things).await, "v1", "{between}");
    }
}

#[tokio::test]
async fn whoever_asks_after_an_invalidation_is_not_given_a_flight_from_before() {
    let process = Process::with(None, LONG).await;
    let source = Source::default();
    let slow = SlowReader::start(&process, &source).await;
    let version = source.change();
    process.things.invalidate("a", version).await;
    assert_eq!(source.through(&process.things).await, "v1");
    assert_eq!(slow.finish().await, "v0");
}

#[tokio::test]
async fn an_invalidation_that_comes_late_or_twice_leaves_what_is_newer() {
    let Some(redis) = TestRedis::start().await else { return };
    let process = Process::with(Some(&redis), LONG).await;
    let (look, source) = (redis.connect().await, Source::default());
    source.change();
    source.change();
    eventually(PATIENCE, || async {
        source.through(&process.things).await;
        held(&look).await.is_some_and(|held| held.starts_with('V'))
    })
    .await;
    for late in [1, 2] {
        process.invalidate(late).await;
        assert_eq!(held(&look).await, Some("V2 \"v2\"".to_owned()));
    }
    process.invalidate(3).await;
    assert_eq!(held(&look).await, None);
}

/// Readers in two processes and a writer in one of them, at random. Whether Redis took part to the end: it may be
/// too slow for its limit on a busy machine, and then it is the age of an entry that ends it.
async fn storm(here: &Process, there: &Process, source: &Source) -> bool {
    let link = here.platform.redis().link().unwrap().clone();
    // The last version whose invalidation Redis confirmed: its connection outlived the question.
    let settled = Arc::new(AtomicI64::new(0));
    let mut all = JoinSet::new();
    for worker in 0..16_u32 {
        let things = if worker % 2 == 0 { here.things.clone() } else { there.things.clone() };
        let (source, settled, link) = (source.clone(), Arc::clone(&settled), link.clone());
        all.spawn(async move {
            for round in 0..100_u32 {
                if (worker, round % 10) == (0, 3) {
                    let version = source.change();
                    things.invalidate("a", version).await;
                    if link.is_up() {
                        settled.store(version, Ordering::SeqCst);
                    }
                    continue;
                }
                let floor = settled.load(Ordering::SeqCst);
                let found = source.through(&things).await;
                let version: i64 = found.trim_start_matches('v').parse().unwrap();
                // In the other process one may still board a flight that left before.
                assert!(version >= floor || worker % 2 == 1, "told {version} after {floor} was settled");
            }
        });
    }
    all.join_all().await;
    settled.load(Ordering::SeqCst) == source.version.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_and_writers_at_random_never_leave_old_data_behind() {
    let Some(redis) = TestRedis::start().await else { return };
    let (here, there) = (Process::with(Some(&redis), LONG).await, Process::with(Some(&redis), LONG).await);
    let source = Source::default();
    eventually(PATIENCE, || async {
        here.connected().await;
        there.connected().await;
        here.invalidate(source.change()).await;
        storm(&here, &there, &source).await
    })
    .await;
    let last = format!("v{}", source.version.load(Ordering::SeqCst));
    assert_eq!(source.through(&here.things).await, last);
    assert_eq!(source.through(&there.things).await, last);
}
