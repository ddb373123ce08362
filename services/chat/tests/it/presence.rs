//! Who is here, across instances that come, stop and die.

use std::time::Duration;

use chat::live::Signal;
use chat::socket::Timing;
use chat::socket::presence::Pace;
use contract::id::UserId;
use serde_json::json;
use testkit::eventually;
use uuid::Uuid;

use crate::client::LIMIT;
use crate::socket::{FAST, Stage};

/// Users in the order of their ids, as frames have them.
fn user(n: u128) -> UserId {
    Uuid::from_u128(n).into()
}

#[tokio::test]
async fn everybody_sees_who_comes_and_goes_at_any_instance() {
    let stage = Stage::set().await;
    let [here, there] = [stage.instance_with(Timing::default(), FAST).await, stage.instance().await];
    let mut client = stage.client(&there).await;
    assert_eq!(client.until("presence").await, json!({ "type": "presence", "online": [stage.user] }));
    let first = here.state.sockets.presence().enter(stage.room, user(1));
    assert_eq!(client.until("presence").await["online"], json!([user(1), stage.user]));
    let second = here.state.sockets.presence().enter(stage.room, user(1));
    drop(first);
    let third = here.state.sockets.presence().enter(stage.room, user(2));
    assert_eq!(
        client.until("presence").await["online"],
        json!([user(1), user(2), stage.user]),
        "who has another connection stays"
    );
    drop((second, third));
    assert_eq!(client.until("presence").await["online"], json!([stage.user]));
}

#[tokio::test]
async fn the_users_of_an_instance_that_dies_vanish_when_its_lease_runs_out() {
    let stage = Stage::set().await;
    let mut here = stage.instance_with(Timing::default(), FAST).await;
    let there = stage.instance_with(Timing::default(), FAST).await;
    let mut client = stage.client(&there).await;
    let _present = here.state.sockets.presence().enter(stage.room, user(1));
    while client.until("presence").await["online"] != json!([user(1), stage.user]) {}
    here.kill();
    assert_eq!(client.until("presence").await["online"], json!([stage.user]));
    assert_eq!(stage.connections().await, 1);
    let instances: i64 =
        sqlx::query_scalar("select count(*) from live_instance").fetch_one(&stage.db).await.unwrap();
    assert_eq!(instances, 1);
}

#[tokio::test]
async fn who_was_at_an_instance_that_stops_is_seen_to_go() {
    let stage = Stage::set().await;
    let mut here = stage.instance_with(Timing::default(), FAST).await;
    let there = stage.instance_with(Timing::default(), FAST).await;
    let mut client = stage.client(&there).await;
    let guest = here.state.sockets.presence().enter(stage.room, user(1));
    while client.until("presence").await["online"] != json!([user(1), stage.user]) {}
    let leave = async move { drop(guest) };
    tokio::join!(here.stop(), leave);
    assert_eq!(client.until("presence").await["online"], json!([stage.user]));
}

#[tokio::test]
async fn what_is_heard_wrongly_is_put_right_by_the_next_beat() {
    let stage = Stage::set().await;
    let pace = Pace { beat: Duration::from_secs(3), lease: Duration::from_secs(30), ..FAST };
    let here = stage.instance_with(Timing::default(), pace).await;
    let mut client = stage.client(&here).await;
    let guest = here.state.sockets.presence().enter(stage.room, user(1));
    while client.until("presence").await["online"] != json!([user(1), stage.user]) {}
    // Another instance has seen this before, and its signal is late.
    here.state.live.tell(stage.room, Signal::Presence { online: vec![user(9)] });
    assert_eq!(client.until("presence").await["online"], json!([user(9)]));
    assert_eq!(client.until("presence").await["online"], json!([user(1), stage.user]));
    drop(guest);
}

#[tokio::test]
async fn an_instance_that_was_taken_for_dead_comes_back_with_its_connections() {
    let stage = Stage::set().await;
    let here = stage.instance_with(Timing::default(), FAST).await;
    let _client = stage.client(&here).await;
    let _present = here.state.sockets.presence().enter(stage.room, user(1));
    eventually(LIMIT, || async { stage.connections().await == 2 }).await;
    sqlx::query("delete from live_instance").execute(&stage.db).await.unwrap();
    eventually(LIMIT, || async { stage.connections().await == 2 }).await;
    // Also when the first that it hears of it is a refused row.
    sqlx::query("delete from live_instance").execute(&stage.db).await.unwrap();
    let _another = here.state.sockets.presence().enter(stage.room, user(2));
    eventually(LIMIT, || async { stage.connections().await == 3 }).await;
}

#[tokio::test]
async fn an_instance_without_connections_asks_the_database_nothing() {
    let stage = Stage::set().await;
    let here = stage.instance_with(Timing::default(), FAST).await;
    let there = stage.instance_with(Timing::default(), FAST).await;
    let present = there.state.sockets.presence().enter(stage.room, user(1));
    eventually(LIMIT, || async { stage.connections().await == 1 }).await;
    let instances = async || -> i64 {
        sqlx::query_scalar("select count(*) from live_instance").fetch_one(&stage.db).await.unwrap()
    };
    assert_eq!(instances().await, 1, "only that of the one who has somebody");
    drop(present);
    stage.deserted().await;
    drop(here);
}

#[tokio::test]
async fn a_dead_instance_with_nobody_to_notice_is_not_counted() {
    let stage = Stage::set().await;
    sqlx::query("insert into live_instance values ('dead', now() - interval '1 second')")
        .execute(&stage.db)
        .await
        .unwrap();
    sqlx::query("insert into presence values ($1, $2, 'dead', 3)")
        .bind(stage.room.as_uuid())
        .bind(user(1).as_uuid())
        .execute(&stage.db)
        .await
        .unwrap();
    let here = stage.instance_with(Timing { ping: Duration::from_secs(9), ..Timing::default() }, FAST).await;
    let mut client = stage.client(&here).await;
    assert_eq!(client.until("presence").await["online"], json!([stage.user]));
    assert_eq!(stage.connections().await, 1);
}
