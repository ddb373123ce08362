//! What Redis holds, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chassis::cache::Versioned;
use testkit::{TestRedis, eventually};

use super::fixture::{KEY, LONG, PATIENCE, Process, Source, held};

#[tokio::test]
async fn what_one_process_read_the_other_has() {
    let Some(redis) = TestRedis::start().await else { return };
    let (here, there) = (Process::with(Some(&redis), LONG).await, Process::with(Some(&redis), LONG).await);
    let source = Source::default();
    let look = redis.connect().await;
    eventually(PATIENCE, || async {
        assert_eq!(source.through(&here.things).await, "v0");
        held(&look).await == Some("V0 \"v0\"".to_owned())
    })
    .await;
    eventually(PATIENCE, || async {
        let reads = source.reads();
        assert_eq!(source.through(&there.things).await, "v0");
        source.reads() == reads
    })
    .await;
}

#[tokio::test]
async fn lifetimes_differ_by_a_tenth_and_nothing_is_remembered_for_seconds() {
    let Some(redis) = TestRedis::start().await else { return };
    let process = Process::with(Some(&redis), LONG).await;
    let mut look = redis.connect().await;
    let mut lives = Vec::new();
    for id in 0..50 {
        // One answer that Redis was too slow for must not keep the rest from Redis.
        process.connected().await;
        let one = || async { Ok(Some(Versioned { version: 1, value: "x".to_owned() })) };
        let _ = process.things.get(id, one).await.unwrap();
        let life: i64 =
            redis::cmd("PTTL").arg(format!("auth:v1:thing:{id}")).query_async(&mut look).await.unwrap();
        lives.push(life);
    }
    // A put that Redis was too slow for leaves its lease behind, which lives for 5 s.
    lives.retain(|life| *life > 10_000);
    assert!(lives.len() > 40, "{lives:?}");
    assert!(lives.iter().all(|life| (530_000..=660_000).contains(life)), "{lives:?}");
    assert!(lives.iter().max().unwrap() - lives.iter().min().unwrap() > 30_000, "{lives:?}");
    let reads = Arc::new(AtomicU32::new(0));
    eventually(PATIENCE, || async {
        let none = process.things.get("a", || {
            let reads = Arc::clone(&reads);
            async move {
                reads.fetch_add(1, Ordering::SeqCst);
                Ok(None)
            }
        });
        assert_eq!(none.await.unwrap(), None);
        held(&look).await == Some("N".to_owned())
    })
    .await;
    let life: i64 = redis::cmd("PTTL").arg(KEY).query_async(&mut look).await.unwrap();
    assert!((0..=5_500).contains(&life), "{life}");
    process.invalidate(1).await;
    assert_eq!(held(&look).await, None, "it exists now");
}
