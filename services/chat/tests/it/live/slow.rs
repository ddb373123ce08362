//! A stream that takes nothing, and many that take the same.

use std::sync::Arc;

use chat::live::Update;
use testkit::{TestDb, eventually};

use super::fixture::{PATIENCE, Station};
use crate::stack::room;

#[tokio::test]
async fn a_stream_that_takes_nothing_costs_a_window_and_gets_everything_later() {
    let db = TestDb::new("chat_db").await;
    let station = Station::new(&db, None);
    let room = room(&db.pool(), chassis::fresh_id()).await;
    let mut slow = station.follow(room, 0);
    let mut quick = station.follow(room, 0);
    for written in 1..=100 {
        station.write(room, 50, true).await;
        quick.take_until(written * 50).await;
        let stats = station.live.stats();
        assert!(stats.messages <= 256 && stats.bytes <= 512 * 1024, "{stats:?}");
    }
    slow.take_until(5000).await;
    station.write(room, 1, true).await;
    slow.take_until(5001).await;
    quick.take_until(5001).await;
    // What both have got goes, though nothing follows.
    eventually(PATIENCE, || async { station.live.stats().bytes == 0 }).await;
    let stats = station.live.stats();
    assert_eq!((stats.streams, stats.messages), (2, 0));
}

#[tokio::test]
async fn a_message_is_rendered_once_for_all_streams_of_its_room() {
    let db = TestDb::new("chat_db").await;
    let station = Station::new(&db, None);
    let room = room(&db.pool(), chassis::fresh_id()).await;
    let mut followers: Vec<_> = std::iter::repeat_with(|| station.follow(room, 0)).take(100).collect();
    station.write(room, 1, true).await;
    let mut events = Vec::new();
    for follower in &mut followers {
        let Update::Messages(entries) = follower.next().await else { panic!("a message follows") };
        events.push(entries[0].event());
    }
    assert!(events.iter().all(|event| event.as_ptr() == events[0].as_ptr()));
}

#[tokio::test]
async fn many_streams_that_come_back_at_once_all_catch_up() {
    let db = TestDb::new("chat_db").await;
    let station = Arc::new(Station::new(&db, None));
    let mut rooms = Vec::new();
    for _ in 0..20 {
        let room = room(&db.pool(), chassis::fresh_id()).await;
        station.write(room, 300, false).await;
        rooms.push(room);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..2000_usize {
        let (station, room) = (Arc::clone(&station), rooms[n % rooms.len()]);
        tasks.spawn(async move {
            let after = i64::try_from(n % 7).unwrap() * 40;
            station.follow(room, after).take_until(300).await;
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let pool = station.db.clone();
    let connections = || async {
        let count: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        // The streams' own, the listener's, and the test's.
        count <= 5 + 1 + 10
    };
    eventually(PATIENCE, connections).await;
}
