//! Stopping: the signals that ask for it, and the token that tells everybody.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Told to everything that must end before the service can. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Drain {
    begun: CancellationToken,
    over: CancellationToken,
    limit: Duration,
    holds: TaskTracker,
}

/// Something is in flight that the server does not see, e.g. a connection that was upgraded. Dropping it lets the
/// drain go on.
#[derive(Debug)]
pub struct Hold(#[expect(dead_code, reason = "it counts by being there")] TaskTrackerToken);

impl Drain {
    pub fn new(limit: Duration) -> Self {
        let (begun, over) = (CancellationToken::new(), CancellationToken::new());
        Self { begun, over, limit, holds: TaskTracker::new() }
    }

    /// Keeps the drain from being over before its limit.
    pub fn hold(&self) -> Hold {
        Hold(self.holds.token())
    }

    /// Completes when nobody holds the drain.
    pub(crate) async fn released(&self) {
        self.holds.close();
        self.holds.wait().await;
    }

    /// Completes when the service begins to stop: take nothing new, finish what is there.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Completes when waiting is over: drop everything.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    pub fn is_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// How long the rest may take once the stop has begun.
    pub const fn limit(&self) -> Duration {
        self.limit
    }

    /// Begins the stop.
    pub fn begin(&self) {
        self.begun.cancel();
    }

    /// Ends the waiting.
    pub fn end(&self) {
        self.begun.cancel();
        self.over.cancel();
    }
}

/// SIGTERM and SIGINT, caught from the moment this is made.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(crate) fn catch() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Completes at the next one.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn the_server_waits_for_what_was_upgraded_and_is_still_there() {
        let drain = Drain::new(Duration::ZERO);
        let (first, second) = (drain.hold(), drain.clone().hold());
        drain.begin();
        drop(first);
        assert!(drain.released().now_or_never().is_none());
        drop(second);
        drain.released().await;
    }
}
