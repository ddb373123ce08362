//! Redis is stopped, paused, flushed.

use testkit::{TestRedis, eventually};

use super::fixture::{LONG, PATIENCE, Process, SlowReader, Source, held};

#[tokio::test]
async fn a_redis_that_is_stopped_is_done_without_and_used_again_when_it_is_back() {
    let Some(mut redis) = TestRedis::start().await else { return };
    let process = Process::with(Some(&redis), LONG).await;
    let source = Source::default();
    redis.stop();
    for read in 1..=3 {
        source.change();
        assert_eq!(source.through(&process.things).await, format!("v{read}"), "straight from the source");
    }
    process.disconnected().await;
    redis.restart().await;
    process.connected().await;
    let look = redis.connect().await;
    eventually(PATIENCE, || async {
        source.through(&process.things).await;
        held(&look).await == Some("V3 \"v3\"".to_owned())
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_stands_still_costs_one_wait_and_does_no_harm_when_it_goes_on() {
    let Some(redis) = TestRedis::start().await else { return };
    let process = Process::with(Some(&redis), LONG).await;
    let (look, source) = (redis.connect().await, Source::default());
    let slow = SlowReader::start(&process, &source).await;
    redis.pause();
    // Its put waits in Redis' socket until Redis goes on, and so does the invalidation, if it still gets through.
    assert_eq!(slow.finish().await, "v0");
    process.disconnected().await;
    let version = source.change();
    process.things.invalidate("a", version).await;
    for _ in 0..100 {
        assert_eq!(source.through(&process.things).await, "v1");
    }
    assert_eq!(source.reads(), 101, "without Redis each question is the source's");
    redis.resume();
    process.connected().await;
    // The put may have been done now, for its lease still held: what Redis misses only the age ends, or the next
    // invalidation.
    process.invalidate(version).await;
    eventually(PATIENCE, || async {
        assert_eq!(source.through(&process.things).await, "v1");
        held(&look).await == Some("V1 \"v1\"".to_owned())
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_forgot_everything_learns_it_again() {
    let Some(redis) = TestRedis::start().await else { return };
    let process = Process::with(Some(&redis), LONG).await;
    let (look, source) = (redis.connect().await, Source::default());
    source.through(&process.things).await;
    redis.run("FLUSHALL").await;
    redis.run("SCRIPT FLUSH").await;
    source.change();
    assert_eq!(source.through(&process.things).await, "v1");
    eventually(PATIENCE, || async {
        source.through(&process.things).await;
        held(&look).await == Some("V1 \"v1\"".to_owned())
    })
    .await;
}
