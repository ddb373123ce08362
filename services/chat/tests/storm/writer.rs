//! Writers: each has message after message stored, and makes sure of every one.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::Value;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::attempt::{Draft, Line, Outcome, PATIENCE, by_http};
use super::room::{Acknowledged, Room};
use super::stream::Way;
use super::world::{World, count};

/// From one message of a writer to the next.
const PACE: Duration = Duration::from_millis(250);
/// Between two attempts for one message.
const AGAIN: Duration = Duration::from_millis(50);
/// One message of so many is answered by the bot.
const ASKS: u32 = 12;
/// One of so many is long, so that slow readers fill what the system buffers for them.
const LONG: u32 = 25;
const LONG_CHARS: usize = 3000;
/// Different endings, so that the tutor has something to say.
const SAYINGS: [&str; 4] =
    ["오늘 날씨가 좋아요", "밥 먹었어?", "내일 회사에 갑니다", "한국어는 재미있지만 어려워요"];

pub(crate) struct Writer {
    name: String,
    room: usize,
    way: Way,
    world: Arc<World>,
    random: StdRng,
    http: reqwest::Client,
    line: Line,
    again: Interval,
}

impl Writer {
    pub(crate) fn new(name: String, room: usize, way: Way, world: Arc<World>, random: StdRng) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { name, room, way, world, random, http, line: Line::default(), again: ticks(AGAIN) }
    }

    /// Writes until it is calm, and then one last message, which the bot answers.
    pub(crate) async fn run(mut self) {
        let world = self.world.clone();
        let mut pace = ticks(PACE);
        for n in 0.. {
            tokio::select! {
                () = world.calm.cancelled() => break,
                _ = pace.tick() => {}
            }
            let draft = self.draft(n);
            self.write(draft).await;
        }
        let (key, content) = (format!("{}-last", self.name), format!("{} 안녕히 가세요", self.name));
        self.write(Draft { key, content, respond: true }).await;
    }

    fn draft(&mut self, n: u32) -> Draft {
        let saying = SAYINGS[self.random.random_range(0..SAYINGS.len())];
        let mut content = format!("{}-{n} {saying}", self.name);
        if self.random.random_ratio(1, LONG) {
            content.extend(std::iter::repeat_n('가', LONG_CHARS));
        }
        Draft { key: format!("{}-{n}", self.name), content, respond: self.random.random_ratio(1, ASKS) }
    }

    /// Until it is known to be stored.
    async fn write(&mut self, draft: Draft) {
        let world = self.world.clone();
        let room = &world.rooms[self.room];
        let mut attempts = 0;
        loop {
            self.again.tick().await;
            attempts += 1;
            let address = world.instances[world.pick(&mut self.random)].address;
            let (_, token) = room.token();
            let outcome = match self.way {
                Way::EventStream => by_http(&self.http, address, room.id, &token, &draft).await,
                Way::Socket => self.line.send(address, room.id, &token, &draft).await,
            };
            match outcome {
                Outcome::Stored(message) => return self.stored(room, draft, &message, attempts),
                Outcome::Unanswered => count(&world.counts.unanswered),
                Outcome::LoggedOut => {}
                Outcome::Wrong(what) => {
                    world.wrong(format!("room {}, writer {}: {what} to {draft:?}", self.room, self.name));
                    return;
                }
            }
        }
    }

    fn stored(&self, room: &Room, draft: Draft, message: &Value, attempts: u32) {
        let seq = message["sequenceNumber"].as_i64().unwrap_or_default();
        let is_ours = message["content"] == *draft.content
            && message["senderType"] == "user"
            && message["senderId"] == *room.user.to_string()
            && message["chatroomId"] == *room.id.to_string();
        if !is_ours {
            self.world.wrong(format!("room {}: {draft:?} was acknowledged as {message}", self.room));
        }
        if let Err(what) = room.sheet.compare(seq, message) {
            self.world.wrong(format!("room {}, writer {}: {what}", self.room, self.name));
        }
        if attempts > 1 {
            count(&self.world.counts.again);
        }
        count(&self.world.counts.acknowledged);
        let id = message["id"].as_str().unwrap_or_default().to_owned();
        room.acknowledge(Acknowledged { seq, id, content: draft.content, respond: draft.respond });
    }
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
