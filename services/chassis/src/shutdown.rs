//! Stopping: the signals that ask for it, and the token that tells everybody.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Told to everything that must end before the service can. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Drain {
    begun: CancellationToken,
    over: CancellationToken,
    limit: Duration,
}

impl Drain {
    pub fn new(limit: Duration) -> Self {
        Self { begun: CancellationToken::new(), over: CancellationToken::new(), limit }
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
