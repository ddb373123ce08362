//! Everybody wants the same at the same moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use chassis::ApiError;
use chassis::cache::Versioned;
use contract::code::ErrorCode;
use futures_util::FutureExt as _;
use testkit::{TestRedis, eventually};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::fixture::{LONG, PATIENCE, Process, Source};

/// How often the source is read when so many want an entry that has just gone.
async fn stampede(process: &Process, readers: usize) -> u32 {
    let source = Source::default();
    let (asking, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let mut all = JoinSet::new();
    for _ in 0..readers {
        let (things, source) = (process.things.clone(), source.clone());
        let (asking, gate) = (Arc::clone(&asking), Arc::clone(&gate));
        all.spawn(async move {
            let found = things.get("a", || {
                let (source, gate) = (source.clone(), Arc::clone(&gate));
                async move {
                    let read = source.read();
                    gate.acquire().await.unwrap().forget();
                    Ok(Some(read))
                }
            });
            // Nothing is awaited between this and the question.
            asking.fetch_add(1, Ordering::SeqCst);
            found.await.unwrap().unwrap().to_string()
        });
    }
    eventually(PATIENCE, || async { asking.load(Ordering::SeqCst) == readers }).await;
    gate.add_permits(readers);
    assert!(all.join_all().await.iter().all(|found| found == "v0"));
    source.reads()
}

#[tokio::test]
async fn a_thousand_readers_of_an_expired_key_read_the_source_once_per_process() {
    let Some(redis) = TestRedis::start().await else { return };
    let (here, there) = (Process::with(Some(&redis), LONG).await, Process::with(Some(&redis), LONG).await);
    let (mine, theirs) = tokio::join!(stampede(&here, 1000), stampede(&there, 1000));
    assert!(mine <= 1 && theirs <= 1 && mine + theirs >= 1, "{mine} and {theirs}");
}

#[tokio::test]
async fn a_stampede_without_redis_is_one_read_too() {
    let process = Process::with(None, LONG).await;
    assert_eq!(stampede(&process, 1000).await, 1);
}

#[tokio::test]
async fn a_failure_is_not_kept_and_is_tried_once_more_for_all_who_waited() {
    let process = Process::with(None, LONG).await;
    let (reads, gate) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
    let ask = || {
        let (things, reads, gate) = (process.things.clone(), Arc::clone(&reads), Arc::clone(&gate));
        Box::pin(async move {
            let failing = || {
                reads.fetch_add(1, Ordering::SeqCst);
                let gate = Arc::clone(&gate);
                async move {
                    gate.acquire().await.unwrap().forget();
                    Err::<Option<Versioned<String>>, _>(ApiError::new(ErrorCode::UpstreamUnavailable))
                }
            };
            things.get("a", failing).await.unwrap_err().code()
        })
    };
    let (mut pilot, mut second, mut third) = (ask(), ask(), ask());
    for waiting in [&mut pilot, &mut second, &mut third] {
        assert!(waiting.now_or_never().is_none());
    }
    gate.add_permits(1);
    assert_eq!(pilot.await, ErrorCode::UpstreamUnavailable);
    assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
    gate.add_permits(2);
    assert_eq!((second.await, third.await), (ErrorCode::UpstreamUnavailable, ErrorCode::UpstreamUnavailable));
    assert_eq!(reads.load(Ordering::SeqCst), 2);
    assert_eq!(Source::default().through(&process.things).await, "v0");
}
