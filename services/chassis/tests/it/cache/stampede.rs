//! Everybody wants the same at the same moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use chassis::ApiError;
use chassis::cache::Versioned;
use contract::code::ErrorCode;
use futures_util::FutureExt as _;
use testkit::{TestRedis, eventually};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::fixture::{LONG, PATIENCE, Process, Source};

/// Who comes later than this after the first reader does not wait for that one's answer.
const BOARDING: Duration = Duration::from_millis(200);

/// How often the source is read when so many want an entry that has just gone; `None` if this machine was so busy
/// that some of them may have come too late.
async fn stampede(process: &Process, id: u32, readers: usize) -> Option<u32> {
    let (source, since) = (Source::default(), Instant::now());
    let (asking, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let mut all = JoinSet::new();
    for _ in 0..readers {
        let (things, source) = (process.things.clone(), source.clone());
        let (asking, gate) = (Arc::clone(&asking), Arc::clone(&gate));
        all.spawn(async move {
            let found = things.get(id, || {
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
    let in_time = since.elapsed() < BOARDING;
    gate.add_permits(readers);
    assert!(all.join_all().await.iter().all(|found| found == "v0"));
    in_time.then_some(source.reads())
}

#[tokio::test]
async fn readers_of_an_expired_key_read_the_source_once_per_process() {
    let Some(redis) = TestRedis::start().await else { return };
    let (here, there) = (Process::with(Some(&redis), LONG).await, Process::with(Some(&redis), LONG).await);
    let ids = AtomicU32::new(0);
    let (mine, theirs) = eventually(PATIENCE, || async {
        let id = ids.fetch_add(1, Ordering::SeqCst);
        let (mine, theirs) = tokio::join!(stampede(&here, id, 200), stampede(&there, id, 200));
        mine.zip(theirs)
    })
    .await;
    assert!(mine <= 1 && theirs <= 1 && mine + theirs >= 1, "{mine} and {theirs}");
}

/// The clock stands still while they come, so that they are in time however busy this machine is.
#[tokio::test(start_paused = true)]
async fn a_thousand_readers_without_redis_read_the_source_once() {
    let process = Process::with(None, LONG).await;
    assert_eq!(stampede(&process, 0, 1000).await, Some(1));
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
