//! A room that cannot be read is its own trouble.

use contract::id::RoomId;
use futures_util::FutureExt as _;
use sqlx::{Connection as _, Executor as _, PgConnection};
use testkit::TestDb;

use super::fixture::Station;
use crate::stack::room;

/// Makes the room's message one that this version does not know.
async fn spoil(admin: &mut PgConnection, room: RoomId, seq: i64) {
    set_type(admin, room, seq, "hologram").await;
}

async fn set_type(admin: &mut PgConnection, room: RoomId, seq: i64, content_type: &str) {
    sqlx::query("update message set content_type = $3 where room_id = $1 and seq = $2")
        .bind(room.as_uuid())
        .bind(seq)
        .bind(content_type)
        .execute(admin)
        .await
        .unwrap();
}

async fn without_check(db: &TestDb) -> PgConnection {
    let mut admin = PgConnection::connect_with(&db.superuser()).await.unwrap();
    admin.execute("alter table message drop constraint message_content_type").await.unwrap();
    admin
}

#[tokio::test]
async fn a_message_that_cannot_be_read_stops_its_room_and_no_other_until_it_is_mended() {
    let db = TestDb::new("chat_db").await;
    let mut admin = without_check(&db).await;
    let station = Station::new(&db, None);
    let mut rooms = Vec::new();
    for _ in 0..9 {
        let room = room(&db.pool(), chassis::fresh_id()).await;
        station.write(room, 3, false).await;
        rooms.push(room);
    }
    spoil(&mut admin, rooms[4], 2).await;
    // All of them are read by one statement at first.
    let mut streams: Vec<_> = rooms.iter().map(|room| station.follow(*room, 0)).collect();
    let mut broken = streams.remove(4);
    let spoilt = rooms.remove(4);
    for stream in &mut streams {
        stream.take_until(3).await;
    }
    // And while the one is left alone, the others go on.
    for (room, stream) in rooms.iter().zip(&mut streams) {
        station.write(*room, 1, false).await;
        station.live.changed(*room);
        stream.take_until(4).await;
    }
    assert!(broken.subscription.next().now_or_never().is_none());
    set_type(&mut admin, spoilt, 2, "text").await;
    broken.take_until(3).await;
}

#[tokio::test]
async fn streams_that_are_behind_catch_up_beside_one_that_cannot() {
    let db = TestDb::new("chat_db").await;
    let mut admin = without_check(&db).await;
    let station = Station::new(&db, None);
    let mut rooms = Vec::new();
    for _ in 0..5 {
        let room = room(&db.pool(), chassis::fresh_id()).await;
        station.write(room, 300, false).await;
        rooms.push(room);
    }
    spoil(&mut admin, rooms[0], 50).await;
    let mut streams = tokio::task::JoinSet::new();
    for _ in 0..3 {
        for room in &rooms[1..] {
            let mut stream = station.follow(*room, 0);
            streams.spawn(async move { stream.take_until(300).await });
        }
        let mut broken = station.follow(rooms[0], 0);
        streams.spawn(async move {
            let update = broken.subscription.next().await;
            panic!("it was read: {update:?}");
        });
    }
    for _ in 0..3 * 4 {
        streams.join_next().await.unwrap().unwrap();
    }
}
