//! The right to one call. It returns itself when it is dropped, so no way out of a call can keep it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::handle::Breaker;
use super::machine::{Outcome, Report, Token};

/// Given by [`Breaker::try_acquire`]; finish it with what came of the call. A permit that is dropped instead
/// counts as cancelled: it goes back, and is no evidence for or against the target.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once counts as a cancelled call"]
pub struct Permit {
    breaker: Breaker,
    /// Taken when the call is finished.
    token: Option<Token>,
    started: Duration,
    probe: bool,
    trace: Option<Arc<str>>,
}

impl Permit {
    pub(super) fn new(breaker: Breaker, token: Token, started: Duration, trace: Option<Arc<str>>) -> Self {
        Self { breaker, probe: token.probe, token: Some(token), started, trace }
    }

    /// Whether the call tests a half-open breaker.
    pub fn is_probe(&self) -> bool {
        self.probe
    }

    pub fn success(self) {
        self.finish(Outcome::Success);
    }

    /// `cause` is a class for people and events ("connect", "status 503"), not a message with data in it.
    pub fn failure(self, cause: impl Into<Cow<'static, str>>) {
        self.finish(Outcome::Failure { cause: cause.into(), retry_after: None });
    }

    /// A failure with which the target said when to come back.
    pub fn failure_with_retry_after(self, cause: impl Into<Cow<'static, str>>, retry_after: Duration) {
        self.finish(Outcome::Failure { cause: cause.into(), retry_after: Some(retry_after) });
    }

    /// The call says nothing about the target (the caller's own mistake, for example).
    pub fn ignored(self, cause: impl Into<Cow<'static, str>>) {
        self.finish(Outcome::Ignored { cause: cause.into() });
    }

    pub fn finish(mut self, outcome: Outcome) {
        self.give_back(outcome, None);
    }

    /// For callers that measured the call themselves.
    pub fn finish_after(mut self, outcome: Outcome, duration: Duration) {
        self.give_back(outcome, Some(duration));
    }

    fn give_back(&mut self, outcome: Outcome, measured: Option<Duration>) {
        if let Some(token) = self.token.take() {
            let now = self.breaker.now();
            let duration = measured.unwrap_or_else(|| now.saturating_sub(self.started));
            self.breaker.finish(now, token, Report { outcome, duration, trace: self.trace.take() });
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back(Outcome::Cancelled, None);
    }
}
