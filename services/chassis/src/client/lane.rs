//! The right to one attempt at one instance. Dropped without a verdict it leaves no trace but "cancelled".

use std::sync::Arc;
use std::time::Duration;

use contract::registry::Instance;
use metrics::histogram;
use resilience::balance::Chosen;
use resilience::breaker::Permit;
use tokio::time::Instant;

use super::verdict::Verdict;

/// How long attempts took, by instance and kind; Resilience4j's name.
pub(super) const CALLS: &str = "resilience4j_circuitbreaker_calls_seconds";

/// A call that was given up after this long was slow: another instance answered a hedged read meanwhile, or its
/// caller has gone. Sooner, it says nothing.
const LONG: Duration = Duration::from_millis(10);

pub(super) struct Lane {
    instance: Arc<Instance>,
    /// Both are taken when the attempt is settled.
    chosen: Option<Chosen<Arc<Instance>>>,
    permit: Option<Permit>,
    since: Instant,
}

impl Lane {
    pub(super) fn new(chosen: Chosen<Arc<Instance>>, permit: Permit) -> Self {
        let instance = chosen.key().clone();
        Self { instance, chosen: Some(chosen), permit: Some(permit), since: Instant::now() }
    }

    pub(super) fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// Tells the breaker, the balancer and the metrics what came of the attempt.
    pub(super) fn settle(mut self, verdict: Verdict) {
        let (Some(chosen), Some(permit)) = (self.chosen.take(), self.permit.take()) else { return };
        let (kind, took) = (verdict.kind(), self.since.elapsed());
        histogram!(CALLS, "name" => self.instance.id.clone(), "kind" => kind).record(took);
        match verdict {
            Verdict::Success => {
                permit.success();
                chosen.answered();
            }
            // A fast refusal must not make an instance look like a fast one: its time does not count.
            Verdict::Failure { cause, retry_after: None } => permit.failure(cause),
            Verdict::Failure { cause, retry_after: Some(wait) } => {
                permit.failure_with_retry_after(cause, wait);
            }
            Verdict::Unreachable => {
                permit.failure("no connection");
                chosen.unreachable();
            }
            Verdict::TooSlow => {
                permit.failure("no answer in time");
                chosen.answered();
            }
            Verdict::Neither { cause } => permit.ignored(cause),
        }
    }
}

/// The permit counts itself as cancelled. The time until here is the least that the answer would have taken, which
/// the balancer should know: else an instance that hangs keeps the good name of the time before.
impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(chosen) = self.chosen.take()
            && self.since.elapsed() >= LONG
        {
            chosen.answered();
        }
    }
}

impl Verdict {
    /// Resilience4j's label.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Success => "successful",
            Self::Failure { .. } | Self::Unreachable | Self::TooSlow => "failed",
            Self::Neither { .. } => "ignored",
        }
    }
}

/// What is left until a deadline; nothing once it has passed.
pub(super) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
