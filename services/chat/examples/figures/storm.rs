//! Ten thousand clients whose instance dies come back at once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use testkit::eventually;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::poster::Poster;
use crate::reader::{self, Found};
use crate::stage::Stage;
use crate::summary::Summary;

const ROOMS: usize = 1000;
const STREAMS: usize = 10_000;
const ROUNDS: usize = 3;
const LIMIT: Duration = Duration::from_mins(2);

pub(crate) async fn measure() {
    let mut stage = Stage::set(ROOMS).await;
    let found = Found::new(stage.address);
    let _readers = reader::open(&stage.rooms, STREAMS / ROOMS, 64, &found);
    eventually(LIMIT, || async { found.ready() == STREAMS }).await;
    for round in 1..=ROUNDS {
        found.refused.store(0, Ordering::Relaxed);
        let began = Instant::now();
        stage.kill();
        eventually(LIMIT, || async { found.ready() == 0 }).await;
        let told = began.elapsed();
        stage.start_again();
        let posted = post_everywhere(&stage, &found, began);
        let ready = async {
            eventually(LIMIT, || async { found.ready() == STREAMS }).await;
            began.elapsed()
        };
        let arrived = async {
            eventually(LIMIT, || async { found.arrived() == STREAMS }).await;
            began.elapsed()
        };
        let (posted, ready, arrived) = tokio::join!(posted, ready, arrived);
        let times = Summary::of(found.latencies.lock().unwrap().drain(..));
        println!(
            "round {round}, from the kill on: all streams gone at {told:.1?}; {STREAMS} streams ready again at \
             {ready:.1?} ({} attempts refused); one message into each of {ROOMS} rooms sent at once, the last one \
             stored at {posted:.1?}, all {STREAMS} arrived at {arrived:.1?}; each from its first sending: {times}",
            found.refused.load(Ordering::Relaxed),
        );
    }
}

/// One message a room, as soon as somebody takes it; when the last one was stored.
async fn post_everywhere(stage: &Stage, found: &Found, began: Instant) -> Duration {
    let mut poster = None;
    for room in &stage.rooms {
        let (key, content) = (Uuid::now_v7().to_string(), found.mark());
        loop {
            let mut connection = match poster.take() {
                Some(connection) => connection,
                None => Poster::connect(stage.address).await.unwrap(),
            };
            if let Ok(200) = connection.post(room, &key, &content).await {
                poster = Some(connection);
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
    began.elapsed()
}
