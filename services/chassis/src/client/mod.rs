//! Calls to other services by their name: discovery, deadline, retries, breakers, the caller's trace, our token.
//!
//! Knows no service and no route: what is called, and what to do without an answer, the call site says.
//! A call takes a place in the target's bulkhead, then a lane: an instance that the balancer prefers and whose
//! breaker lets it through. What came of it goes back to both.

mod attempt;
mod breakers;
mod call;
mod connector;
mod course;
mod error;
mod fallback;
mod lane;
mod service;
mod switchboard;
mod tally;
mod target;
mod verdict;
mod view;

pub use attempt::{IDEMPOTENCY_KEY, RETRY_ATTEMPT};
pub use breakers::{Breakers, Listed, Told};
pub use call::Call;
pub use connector::http_client;
pub use error::{CallError, Edge};
pub use fallback::{FALLBACKS, Reason};
pub use service::ServiceClient;
pub use switchboard::Switchboard;
pub use view::{EndpointView, Hedges, TargetView};
