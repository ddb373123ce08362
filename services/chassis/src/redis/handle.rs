//! What the platform holds: a link, or nothing when no Redis is configured.

use std::time::Duration;

use redis::{Client, RedisError};

use super::link::{Link, Lost};
use super::subscription::{Subscriber, Subscription};
use crate::secret::Secret;
use crate::spawn::TaskSet;

/// For a sign of life. What uses Redis has tighter limits of its own.
const PING_LIMIT: Duration = Duration::from_millis(250);

/// Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    link: Option<Link>,
}

impl Redis {
    /// Connects in the background, for as long as the service runs. Must be called inside a runtime.
    ///
    /// # Errors
    /// When the URL is not a Redis URL.
    pub fn start(url: Option<&Secret>, tasks: &TaskSet) -> Result<Self, RedisError> {
        let Some(url) = url else {
            return Ok(Self { link: None });
        };
        let link = Link::new(Client::open(url.expose().as_str())?);
        tasks.spawn_until_drain("redis", link.clone().keep());
        Ok(Self { link: Some(link) })
    }

    /// The connection of this process; `None` when Redis is not configured.
    pub fn link(&self) -> Option<&Link> {
        self.link.as_ref()
    }

    /// Listens to channels on a connection of its own, for as long as the service runs. `None` when Redis is not
    /// configured.
    pub fn subscribe(&self, tasks: &TaskSet, channels: &[&str]) -> Option<Subscription> {
        let (subscriber, subscription) = Subscriber::new(self.link.as_ref()?.client().clone(), channels);
        tasks.spawn_until_drain("redis subscription", subscriber.keep());
        Some(subscription)
    }

    /// `None` when not configured.
    pub async fn ping(&self) -> Option<Result<(), Lost>> {
        Some(self.link.as_ref()?.ping(PING_LIMIT).await)
    }
}
