//! Invalidation by event: what another service changed is forgotten as soon as it says so.

use std::time::Duration;

use chrono::Utc;
use contract::event::CloudEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tracing::warn;

use super::cached::Cache;
use crate::event;
use crate::platform::Platform;

/// Changes that wait for Redis. More than this come only with a replay, whose old events need no invalidation.
const WAITING: usize = 1024;

/// Between the start of a change's transaction, which is the time of its event, and its commit.
const LONGEST: Duration = Duration::from_secs(10);

/// Something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub id: String,
    pub version: i64,
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Cache<T> {
    /// Invalidates what events of `source` say has changed, until the service stops. Begins with the events that
    /// are younger than any entry can be, so a restart misses nothing. Without Redis there is nothing to forget.
    pub fn follow(
        &self,
        platform: &Platform,
        source: &'static str,
        mut changed: impl FnMut(&CloudEvent) -> Option<Changed> + Send + 'static,
    ) {
        if platform.redis().link().is_none() {
            return;
        }
        let (sender, mut receiver) = mpsc::channel::<Changed>(WAITING);
        let lifetime = self.oldest() + Duration::from_secs(1);
        let mut told = false;
        event::follow(platform, source, lifetime, move |event| {
            // A feed begins earlier than it is asked to: no entry is as old as that.
            let is_old = (Utc::now() - event.time).to_std().is_ok_and(|age| age > lifetime + LONGEST);
            let Some(changed) = changed(event).filter(|_| !is_old) else { return };
            let is_late = sender.try_send(changed).is_err();
            if is_late && !told {
                warn!(
                    "events of {source} come faster than redis forgets: entries live until they are too old"
                );
            }
            told = is_late;
        });
        let cache = self.clone();
        platform.tasks().spawn_until_drain("cache invalidation", async move {
            while let Some(Changed { id, version }) = receiver.recv().await {
                cache.invalidate(id, version).await;
            }
        });
    }
}
