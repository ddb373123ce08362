//! Telling other instances while Redis comes and goes. Signals are told by nothing else; messages are found in any case.

use std::time::Duration;

use chat::live::Signal;
use contract::id::RoomId;
use testkit::{TestDb, TestRedis, eventually};
use tokio::time::timeout;
use uuid::Uuid;

use super::fixture::{Follower, PATIENCE, Station};
use crate::stack::room;

/// Longer than a signal takes, shorter than anybody waits.
const MOMENT: Duration = Duration::from_millis(500);

/// Two instances, a room, and a stream of it at the second one.
async fn pair(db: &TestDb, redis: Option<&TestRedis>) -> (Station, Station, RoomId, Follower) {
    let (here, there) = (Station::new(db, redis), Station::new(db, redis));
    let room = room(&db.pool(), chassis::fresh_id()).await;
    let follower = there.follow(room, 0);
    (here, there, room, follower)
}

/// A signal goes through, in a while: one that is told while nobody listens is lost.
async fn is_heard(here: &Station, room: RoomId, follower: &mut Follower) {
    let signal = Signal::Typing { sender: Uuid::now_v7(), typing: true };
    let heard = async {
        loop {
            here.live.tell(room, signal.clone());
            while let Ok(heard) = timeout(MOMENT, follower.signal()).await {
                if *heard == signal {
                    return;
                }
            }
        }
    };
    timeout(PATIENCE, heard).await.expect("the signal is heard");
}

async fn arrives(here: &Station, room: RoomId, follower: &mut Follower) {
    here.write(room, 1, true).await;
    let last = follower.last() + 1;
    follower.take_until(last).await;
}

#[tokio::test]
async fn wakes_and_signals_go_by_redis_and_by_the_database_when_redis_is_away() {
    let Some(mut redis) = TestRedis::start().await else { return };
    let db = TestDb::new("chat_db").await;
    let (here, _there, room, mut follower) = pair(&db, Some(&redis)).await;
    is_heard(&here, room, &mut follower).await;
    arrives(&here, room, &mut follower).await;
    for _ in 0..2 {
        redis.stop();
        is_heard(&here, room, &mut follower).await;
        arrives(&here, room, &mut follower).await;
        redis.restart().await;
        is_heard(&here, room, &mut follower).await;
        arrives(&here, room, &mut follower).await;
    }
    redis.pause();
    is_heard(&here, room, &mut follower).await;
    arrives(&here, room, &mut follower).await;
    redis.resume();
    is_heard(&here, room, &mut follower).await;
    arrives(&here, room, &mut follower).await;
}

#[tokio::test]
async fn with_redis_the_database_is_not_bothered() {
    let Some(redis) = TestRedis::start().await else { return };
    let db = TestDb::new("chat_db").await;
    let mut listener = sqlx::postgres::PgListener::connect(&db.url()).await.unwrap();
    listener.listen("chat:v1:live").await.unwrap();
    let (here, there, room, mut follower) = pair(&db, Some(&redis)).await;
    for station in [&here, &there] {
        let link = station.platform.redis().link().unwrap();
        eventually(PATIENCE, || async { link.is_up() }).await;
    }
    let mut look = redis.connect().await;
    let listeners = async |look: &mut redis::aio::MultiplexedConnection| -> i64 {
        let (_, count): (String, i64) =
            redis::cmd("PUBSUB").arg("NUMSUB").arg("chat:v1:live").query_async(look).await.unwrap();
        count
    };
    while listeners(&mut look).await < 2 {
        tokio::task::yield_now().await;
    }
    is_heard(&here, room, &mut follower).await;
    for _ in 0..50 {
        arrives(&here, room, &mut follower).await;
    }
    // A slow moment of Redis may cost one or two.
    let mut bothered = 0;
    while let Ok(Ok(_)) = timeout(MOMENT, listener.recv()).await {
        bothered += 1;
    }
    assert!(bothered < 10, "{bothered}");
}

#[tokio::test]
async fn without_redis_everything_goes_by_the_database() {
    let db = TestDb::new("chat_db").await;
    let (here, there, room, mut follower) = pair(&db, None).await;
    is_heard(&here, room, &mut follower).await;
    arrives(&here, room, &mut follower).await;
    let read = Signal::Read { user: chassis::fresh_id(), sequence: 7 };
    there.live.tell(room, read.clone());
    assert_eq!(*follower.signal().await, read, "also to streams of the own instance, once");
    is_heard(&here, room, &mut follower).await;
}

#[tokio::test]
async fn a_message_that_nobody_tells_of_is_found() {
    let db = TestDb::new("chat_db").await;
    let (here, _there, room, mut follower) = pair(&db, None).await;
    here.write(room, 3, false).await;
    follower.take_until(3).await;
}

#[tokio::test]
async fn what_others_say_on_the_channels_does_no_harm() {
    let db = TestDb::new("chat_db").await;
    let (here, _there, room, mut follower) = pair(&db, None).await;
    is_heard(&here, room, &mut follower).await;
    for nonsense in ["", "hello", "{}", r#"{"from":1}"#, "[[[["] {
        sqlx::query("select pg_notify('chat:v1:live', $1)").bind(nonsense).execute(&here.db).await.unwrap();
    }
    // More than there is.
    let lie = serde_json::json!({ "from": Uuid::now_v7(), "rooms": [[room, 99]], "new key": [] });
    sqlx::query("select pg_notify('chat:v1:live', $1)")
        .bind(lie.to_string())
        .execute(&here.db)
        .await
        .unwrap();
    arrives(&here, room, &mut follower).await;
    is_heard(&here, room, &mut follower).await;
}
