//! Who decides: Redis for all gateways together, or this process for itself when Redis is of no use.

use std::sync::Arc;

use chassis::redis::Link;
use metrics::{Counter, counter};

use super::gcra::{Limit, Verdict};
use super::shared::SharedLimiter;
use super::store::{Caller, Limiter};

/// One core's limiter.
pub(crate) struct Decider {
    local: Arc<Limiter>,
    shared: Option<Shared>,
    decided_locally: Counter,
}

struct Shared {
    limiter: SharedLimiter,
    decided: Counter,
}

impl Decider {
    /// `link` is the core's own.
    pub(crate) fn new(local: Arc<Limiter>, link: Option<Link>) -> Self {
        let decided = |limiter| counter!("gateway_rate_limit_decisions_total", "limiter" => limiter);
        Self {
            local,
            shared: link.map(|link| Shared { limiter: SharedLimiter::new(link), decided: decided("shared") }),
            decided_locally: decided("local"),
        }
    }

    /// Counts one request of `caller` on `route`.
    pub(crate) async fn decide(&self, route: &str, limit: &Limit, caller: Caller) -> Verdict {
        if let Some(shared) = &self.shared
            && let Ok(verdict) = shared.limiter.check(route, limit, caller).await
        {
            shared.decided.increment(1);
            if verdict.retry_after().is_none() {
                // So that nobody gets another burst when this gateway has to go on alone.
                self.local.check(route, limit, caller);
            }
            return verdict;
        }
        self.decided_locally.increment(1);
        self.local.check(route, limit, caller)
    }
}
