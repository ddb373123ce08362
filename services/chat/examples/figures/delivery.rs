//! How long a message takes from its sending to the streams of its room.

use std::time::Duration;

use testkit::eventually;
use tokio::time::interval;
use uuid::Uuid;

use crate::poster::Poster;
use crate::reader::{self, Found};
use crate::stage::Stage;
use crate::summary::Summary;

const STREAMS: usize = 1000;
const MESSAGES: usize = 400;
const PER_SECOND: u32 = 20;
const LIMIT: Duration = Duration::from_mins(2);

pub(crate) async fn measure() {
    for rooms in [50, 1] {
        let stage = Stage::set(rooms).await;
        let found = Found::new(stage.address);
        let _readers = reader::open(&stage.rooms, STREAMS / rooms, 64, &found);
        eventually(LIMIT, || async { found.ready() == STREAMS }).await;
        let mut poster = Poster::connect(stage.address).await.unwrap();
        let mut ticks = interval(Duration::from_secs(1) / PER_SECOND);
        for n in 0..MESSAGES {
            ticks.tick().await;
            let (key, content) = (Uuid::now_v7().to_string(), found.mark());
            assert_eq!(poster.post(&stage.rooms[n % rooms], &key, &content).await.unwrap(), 200);
        }
        let expected = MESSAGES * STREAMS / rooms;
        eventually(LIMIT, || async { found.arrived() == expected }).await;
        let times = Summary::of(found.latencies.lock().unwrap().drain(..));
        println!(
            "{STREAMS} streams in {rooms} rooms, {MESSAGES} messages, {PER_SECOND} a second: from the sending of \
             the POST to the arrival at a stream {times}"
        );
    }
}
