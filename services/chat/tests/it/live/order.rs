//! Every stream sees every message of its room once and in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chat::live::Stats;
use contract::id::RoomId;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use testkit::{TestDb, TestRedis, eventually};
use tokio::task::JoinSet;

use super::fixture::{PATIENCE, Station, last_seq};
use crate::stack::room;

const ROOMS: usize = 4;
const WRITES: usize = 60;
/// Streams of one room.
const STREAMS: usize = 30;
/// The most messages that a stream takes before it is cut off, and after.
const FIRST: i64 = 2;
const SECOND: i64 = 20;

/// One write, of so many messages, at one of the instances; told or left to be found.
#[derive(Debug, Clone)]
struct Write {
    station: usize,
    count: i64,
    told: bool,
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let write = (0..3_usize, 1..6_i64, prop::bool::weighted(0.9));
    proptest::collection::vec(write.prop_map(|(station, count, told)| Write { station, count, told }), WRITES)
}

/// Writers and streams that come and go at three instances, all at once.
async fn race(db: &TestDb, redis: Option<&TestRedis>) {
    let stations: Arc<[Station]> = (0..3).map(|_| Station::new(db, redis)).collect();
    let mut runner = TestRunner::deterministic();
    // Streams that know where they begin, and those that were cut off.
    let progress: Arc<[AtomicUsize; 2]> = Arc::default();
    let (mut writers, mut tasks) = (JoinSet::new(), JoinSet::new());
    for _ in 0..ROOMS {
        let room = room(&db.pool(), chassis::fresh_id()).await;
        for _ in 0..2 {
            let (stations, course) =
                (Arc::clone(&stations), writes().new_tree(&mut runner).unwrap().current());
            writers.spawn(async move {
                for Write { station, count, told } in course {
                    stations[station].write(room, count, told).await;
                }
            });
        }
        for n in 0..STREAMS {
            let (stations, progress) = (Arc::clone(&stations), Arc::clone(&progress));
            let length = (0..120_i64).new_tree(&mut runner).unwrap().current();
            tasks.spawn(async move {
                let station = &stations[n % 3];
                // Reading where to begin and subscribing are two things: what comes in between must not be lost.
                let after = last_seq(&station.db, room).await;
                progress[0].fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                let mut follower = station.follow(room, after);
                follower.take_until(after + length.min(FIRST)).await;
                let at = follower.last();
                drop(follower);
                progress[1].fetch_add(1, Ordering::Relaxed);
                // Cut off, and on at another instance.
                let mut follower = stations[(n + 1) % 3].follow(room, at);
                follower.take_until(at + length.min(SECOND)).await;
            });
        }
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    // Streams that began behind the last of the writes wait for more: as much as each takes at most.
    for (reached, more) in [(0, FIRST), (1, SECOND)] {
        let all = || async { progress[reached].load(Ordering::Relaxed) == ROOMS * STREAMS };
        eventually(PATIENCE, all).await;
        write_on(&stations, more).await;
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let empty = || async { stations.iter().all(|station| station.live.stats() == Stats::default()) };
    eventually(PATIENCE, empty).await;
}

async fn write_on(stations: &[Station], count: i64) {
    let rooms: Vec<uuid::Uuid> =
        sqlx::query_scalar("select id from chat_room").fetch_all(&stations[0].db).await.unwrap();
    for room in rooms {
        stations[0].write(RoomId::from(room), count, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_come_and_go_among_writers_miss_nothing_with_redis() {
    let Some(redis) = TestRedis::start().await else { return };
    race(&TestDb::new("chat_db").await, Some(&redis)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_come_and_go_among_writers_miss_nothing_without_redis() {
    race(&TestDb::new("chat_db").await, None).await;
}

#[tokio::test]
async fn a_stream_goes_on_from_wherever_it_is_told_to() {
    let db = TestDb::new("chat_db").await;
    let station = Station::new(&db, None);
    let room = room(&db.pool(), chassis::fresh_id()).await;
    station.write(room, 700, true).await;
    station.follow(room, 0).take_until(700).await;
    let mut follower = station.follow(room, 700);
    follower.subscription.resume(650);
    let chat::live::Update::Messages(entries) = follower.next().await else { panic!("messages follow") };
    assert_eq!(entries.first().map(|entry| entry.seq()), Some(651));
    follower.subscription.resume(0);
    assert_eq!(follower.subscription.cursor(), 0);
    let chat::live::Update::Messages(entries) = follower.next().await else { panic!("messages follow") };
    assert_eq!(entries.first().map(|entry| entry.seq()), Some(1));
}

#[tokio::test]
async fn what_was_archived_is_left_out_and_the_rest_follows() {
    let db = TestDb::new("chat_db").await;
    let station = Station::new(&db, None);
    let room = room(&db.pool(), chassis::fresh_id()).await;
    station.write(room, 300, false).await;
    let owner = sqlx::PgPool::connect(&db.owner_url()).await.unwrap();
    sqlx::query("delete from message where seq <= 120 or seq > 280").execute(&owner).await.unwrap();
    let mut follower = station.follow(room, 0);
    let mut seen = Vec::new();
    while seen.len() < 160 {
        let chat::live::Update::Messages(entries) = follower.next().await else { panic!("messages follow") };
        seen.extend(entries.iter().map(|entry| entry.seq()));
    }
    assert_eq!(seen, (121..=280).collect::<Vec<_>>());
    station.write(room, 1, true).await;
    let chat::live::Update::Messages(entries) = follower.next().await else { panic!("messages follow") };
    assert_eq!(entries.iter().map(|entry| entry.seq()).collect::<Vec<_>>(), [301]);
}
