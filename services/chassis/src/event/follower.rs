//! Following another service's events in memory only: what is true of every replica, and forgotten at its end.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use contract::event::{CloudEvent, MAX_BATCH};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use super::effect::chain;
use super::pull::{Ask, Feed, Page, PullError};
use crate::platform::Platform;

/// How long the feed may let us wait.
const WAIT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// A producer that is back is heard well within a second: followers act on what must not wait.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How the following goes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Follower {
    source: &'static str,
    state: watch::Receiver<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    loaded: bool,
    /// The last answer of the producer; the start before the first.
    heard: Instant,
}

impl Follower {
    pub const fn source(&self) -> &'static str {
        self.source
    }

    /// Whether everything younger than the lifetime has been seen once.
    pub fn is_loaded(&self) -> bool {
        self.state.borrow().loaded
    }

    /// Waits for that.
    pub async fn loaded(&self) {
        let mut state = self.state.clone();
        // The sender is gone when the service stops: nobody waits any more then.
        let _ = state.wait_for(|state| state.loaded).await;
    }

    /// How long ago the producer last answered, or the following began. An idle producer answers every 5 s.
    pub fn age(&self) -> Duration {
        self.state.borrow().heard.elapsed()
    }

    pub(super) fn details(&self) -> Value {
        json!({ "source": self.source, "loaded": self.is_loaded(), "ageSeconds": self.age().as_secs() })
    }
}

/// Hands every event of `source` younger than `lifetime` to `apply`, then every new one, until the service
/// stops. While the producer is away, what was handed over stays and [`Follower::age`] grows. Events may come
/// again and older ones may come along: `apply` must not mind.
pub fn follow(
    platform: &Platform,
    source: &'static str,
    lifetime: Duration,
    apply: impl FnMut(&CloudEvent) + Send + 'static,
) -> Follower {
    let (sender, state) = watch::channel(State { loaded: false, heard: Instant::now() });
    let follower = Follower { source, state };
    platform.events().add_follower(follower.clone());
    let following = Following {
        source,
        lifetime: TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::MAX),
        feed: Feed::new(platform, source),
        apply,
        state: Arc::new(sender),
        place: None,
    };
    platform.tasks().spawn_until_drain("follower", following.keep_following());
    follower
}

struct Following<F> {
    source: &'static str,
    lifetime: TimeDelta,
    feed: Feed,
    apply: F,
    state: Arc<watch::Sender<State>>,
    /// The last position that was seen; none before the first answer.
    place: Option<i64>,
}

impl<F: FnMut(&CloudEvent) + Send + 'static> Following<F> {
    async fn keep_following(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.feed.pull(self.ask()).await {
                Ok(page) => {
                    pause = FIRST_PAUSE;
                    self.see(&page);
                }
                Err(error) => {
                    if pause == FIRST_PAUSE {
                        self.tell(&error);
                    }
                    if matches!(error, PullError::OutOfStep { .. }) {
                        // Another database, or we were away for too long: begin anew.
                        self.place = None;
                    }
                    self.feed.pause(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// A producer that starts after us is an ordinary day.
    fn tell(&self, error: &PullError) {
        let (source, why) = (self.source, chain(error));
        if self.place.is_none() {
            info!("events of {source} are not heard yet, asking on: {why}");
        } else {
            warn!("events of {source} are not heard, asking on: {why}");
        }
    }

    fn ask(&self) -> Ask {
        let is_loaded = self.state.borrow().loaded;
        let wait = if is_loaded && self.place.is_some() { WAIT } else { Duration::ZERO };
        match self.place {
            Some(after) => Ask { after, limit: MAX_BATCH, wait, since: None },
            None => Ask { after: 0, limit: MAX_BATCH, wait, since: Some(self.begin()) },
        }
    }

    fn begin(&self) -> DateTime<Utc> {
        Utc::now().checked_sub_signed(self.lifetime).unwrap_or(DateTime::UNIX_EPOCH)
    }

    fn see(&mut self, page: &Page) {
        page.events.iter().for_each(&mut self.apply);
        // An answer without events names the place too: nothing younger lies before the head.
        let place = page.events.last().map_or(page.head.max(self.place.unwrap_or(0)), |last| last.position);
        self.place = Some(place);
        let loaded = place >= page.head;
        self.state.send_modify(|state| {
            if loaded && !state.loaded {
                info!("loaded the events of {}", self.source);
            }
            state.loaded |= loaded;
            state.heard = Instant::now();
        });
    }
}
