//! How streams end: the room is left, the token is revoked, the instance stops.

use std::sync::Arc;

use chat::live::{End, Update};
use chrono::Utc;
use contract::auth::{RevocationReason, TokenRevoked};
use contract::claims::AccessClaims;
use contract::id::RoomId;
use futures_util::FutureExt as _;
use sqlx::PgPool;
use testkit::{TestDb, TestRedis};

use super::fixture::{Station, anybody};
use crate::stack::room;

async fn leave(db: &PgPool, room: RoomId) {
    sqlx::query("update chat_room set deleted_at = now() where id = $1")
        .bind(room.as_uuid())
        .execute(db)
        .await
        .unwrap();
}

fn revoke(station: &Station, who: &AccessClaims) {
    let revoked = TokenRevoked::session(who.sub, who.sid, RevocationReason::Logout);
    station.platform.identity().access.revocations().add(&revoked, Utc::now().timestamp());
}

#[tokio::test]
async fn streams_of_a_room_that_was_left_end_on_every_instance() {
    let Some(redis) = TestRedis::start().await else { return };
    let db = TestDb::new("chat_db").await;
    let (here, there) = (Station::new(&db, Some(&redis)), Station::new(&db, Some(&redis)));
    let (left, kept) =
        (room(&db.pool(), chassis::fresh_id()).await, room(&db.pool(), chassis::fresh_id()).await);
    let mut streams = [here.follow(left, 0), there.follow(left, 0)];
    let mut other = there.follow(kept, 0);
    leave(&db.pool(), left).await;
    here.live.left(left);
    for stream in &mut streams {
        assert_eq!(stream.end().await, End::Left);
        assert_eq!(stream.end().await, End::Left, "and it stays at that");
    }
    assert_eq!(there.follow(left, 0).end().await, End::Left, "a late one too");
    here.write(kept, 1, true).await;
    other.take_until(1).await;
}

#[tokio::test]
async fn streams_here_end_with_the_leave_itself_and_ask_nobody() {
    let db = TestDb::new("chat_db").await;
    let station = Station::new(&db, None);
    let room = room(&db.pool(), chassis::fresh_id()).await;
    let mut stream = station.follow(room, 0);
    // The database would say that the room is there.
    station.live.left(room);
    let end = stream.subscription.next().now_or_never();
    assert!(matches!(end, Some(Update::Ended(End::Left))), "{end:?}");
}

#[tokio::test]
async fn a_room_that_was_left_or_deleted_without_a_word_is_found() {
    let db = TestDb::new("chat_db").await;
    let station = Station::new(&db, None);
    let (left, gone) =
        (room(&db.pool(), chassis::fresh_id()).await, room(&db.pool(), chassis::fresh_id()).await);
    let mut streams = [station.follow(left, 0), station.follow(gone, 0)];
    leave(&db.pool(), left).await;
    sqlx::query("delete from chat_room where id = $1")
        .bind(gone.as_uuid())
        .execute(&db.pool())
        .await
        .unwrap();
    for stream in &mut streams {
        assert_eq!(stream.end().await, End::Left);
    }
}

#[tokio::test]
async fn a_revocation_ends_the_streams_of_its_token_and_no_others() {
    let db = TestDb::new("chat_db").await;
    let station = Station::new(&db, None);
    let room = room(&db.pool(), chassis::fresh_id()).await;
    let (mina, juno) = (anybody(), anybody());
    let mut hers =
        [station.follow_as(room, 0, Arc::clone(&mina)), station.follow_as(room, 0, Arc::clone(&mina))];
    let mut his = station.follow_as(room, 0, juno);
    assert!(hers[0].subscription.next().now_or_never().is_none());
    revoke(&station, &mina);
    for stream in &mut hers {
        assert_eq!(stream.end().await, End::Revoked);
    }
    station.write(room, 1, true).await;
    his.take_until(1).await;
    let mut late = station.follow_as(room, 0, mina);
    assert!(
        matches!(late.subscription.next().now_or_never(), Some(Update::Ended(End::Revoked))),
        "the token was verified just before"
    );
}

#[tokio::test]
async fn streams_of_an_instance_that_stops_end_at_once_and_go_on_elsewhere() {
    let db = TestDb::new("chat_db").await;
    let (stopping, other) = (Station::new(&db, None), Station::new(&db, None));
    let room = room(&db.pool(), chassis::fresh_id()).await;
    let mut stream = stopping.follow(room, 0);
    stopping.write(room, 3, true).await;
    stream.take_until(3).await;
    stopping.platform.drain().begin();
    assert_eq!(stream.end().await, End::Stopping);
    let mut on = other.follow(room, stream.last());
    // What is still in flight is stored, and told to others.
    stopping.write(room, 2, true).await;
    on.take_until(5).await;
    assert_eq!(stopping.follow(room, 5).end().await, End::Stopping);
}
