//! How many messages a second are stored, in as many rooms as the stage has.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::plain;
use crate::poster::Poster;
use crate::stage::{Room, Stage};
use crate::summary::Summary;

const POSTERS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(2);
const TIME: Duration = Duration::from_secs(5);
/// Service and peer by turns, so that both see the same machine.
const ROUNDS: usize = 3;

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) async fn measure(rooms: usize) {
    let stage = &Stage::set(rooms).await;
    println!(
        "{} rooms, {POSTERS} keep-alive connections, respond:false, {TIME:?} a round",
        stage.rooms.len()
    );
    let rooms: Arc<[Room]> = stage
        .rooms
        .iter()
        .map(|room| Room { id: room.id, user: room.user, token: room.token.clone() })
        .collect();
    post(stage, &rooms, WARM_UP).await;
    plain::store(stage, WARM_UP / 2).await;
    for round in 1..=ROUNDS {
        let plain = plain::store(stage, TIME).await;
        let times = Summary::of(post(stage, &rooms, TIME).await);
        let rate = |count: usize| count as f64 / TIME.as_secs_f64();
        println!(
            "round {round}: {:.0} messages/s through the service ({times}); plain statements over 10 connections \
             {:.0}/s; ratio {:.2}",
            rate(times.count()),
            rate(plain),
            times.count() as f64 / plain as f64
        );
    }
}

/// How long each message took.
async fn post(stage: &Stage, rooms: &Arc<[Room]>, time: Duration) -> Vec<Duration> {
    let mut posters = JoinSet::new();
    let end = Instant::now() + time;
    for poster in 0..POSTERS {
        let (address, rooms) = (stage.address, rooms.clone());
        posters.spawn(async move {
            let mut connection = Poster::connect(address).await.unwrap();
            let mut times = Vec::new();
            while Instant::now() < end {
                let room = &rooms[(poster + times.len() * POSTERS) % rooms.len()];
                let began = Instant::now();
                let key = Uuid::now_v7().to_string();
                let status = connection.post(room, &key, "오늘 날씨가 좋아요").await.unwrap();
                assert_eq!(status, 200, "every message is stored");
                times.push(began.elapsed());
            }
            times
        });
    }
    posters.join_all().await.into_iter().flatten().collect()
}
