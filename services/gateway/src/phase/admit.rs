//! Whether the caller may have one more request of this route now.

use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::limit::{Decider, Verdict};
use crate::route::Route;

/// Counts the request; the verdict is for the headers of the answer, also when it is a refusal.
pub(crate) async fn admit(
    decider: &Decider,
    route: &Route,
    exchange: &Exchange,
) -> (Verdict, Result<(), Failure>) {
    let verdict = decider.decide(&route.id, &route.limit, exchange.caller()).await;
    let refused = verdict.retry_after().map(|seconds| Failure::RateLimited { seconds });
    (verdict, refused.map_or(Ok(()), Err))
}
