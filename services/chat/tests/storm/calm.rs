//! After the storm: everything arrives, and nothing is left behind.

use std::sync::atomic::Ordering;

use sqlx::PgPool;
use testkit::eventually;
use tokio::task::JoinSet;

use super::checker::check;
use super::fault::{LIMIT, Target};
use super::stream::Way;
use super::world::World;

/// What the instances count.
const EVENT_STREAMS: &str = "chat_streams_open";
const SOCKETS: &str = "chat_sockets_open";

/// Every answer is given, every client gets to the end of its room, and has what is stored.
pub(crate) async fn settle(world: &World, db: &PgPool) {
    let open = "select count(*) from turn where state <> 'DONE'";
    eventually(LIMIT, || async { zero(db, open).await }).await;
    let mut ends = Vec::new();
    for room in &world.rooms {
        let select = sqlx::query_scalar::<_, i64>("select last_seq from chat_room where id = $1");
        ends.push(select.bind(room.id.as_uuid()).fetch_one(db).await.unwrap());
    }
    eventually(LIMIT, || async {
        let behind = world.clients.iter().enumerate().find_map(|(n, seat)| {
            let place = seat.place.load(Ordering::SeqCst);
            (place != ends[seat.room]).then(|| format!("client {n} at {place} of {}", ends[seat.room]))
        });
        behind.map_or(Ok(()), Err)
    })
    .await;
    for room in &world.rooms {
        for wrong in check(db, room).await {
            world.wrong(wrong);
        }
    }
    // The last answers went to streams that are still open.
    eventually(LIMIT, || async { zero(db, "select count(*) from turn where delivered_at is null").await })
        .await;
}

/// Instances know of the streams that there are, and forget them when they are closed.
pub(crate) async fn leave(world: &World, targets: &[Target], clients: &mut JoinSet<()>) {
    let count = |way| world.clients.iter().filter(|seat| seat.way == way).count();
    counted(targets, EVENT_STREAMS, count(Way::EventStream)).await;
    counted(targets, SOCKETS, count(Way::Socket)).await;
    world.over.cancel();
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    counted(targets, EVENT_STREAMS, 0).await;
    counted(targets, SOCKETS, 0).await;
}

async fn counted(targets: &[Target], metric: &str, expected: usize) {
    eventually(LIMIT, || async {
        let mut sum = 0.0;
        for target in targets {
            sum += target.unit().metric(metric).await.map_err(|error| error.to_string())?;
        }
        let told = format!("{metric}: {sum}, but there are {expected}");
        if format!("{sum}") == expected.to_string() { Ok(()) } else { Err(told) }
    })
    .await;
}

async fn zero(db: &PgPool, count: &'static str) -> Result<(), String> {
    let count: i64 = sqlx::query_scalar(count).fetch_one(db).await.map_err(|error| error.to_string())?;
    if count == 0 { Ok(()) } else { Err(format!("{count} are left")) }
}
