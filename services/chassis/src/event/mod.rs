//! Events between services: the outbox, its sequencer and feed, and those who follow the feed.
//!
//! A producer writes events in the transaction of the change ([`publish()`]) and serves them ([`serve()`]).
//! Another service lets them take effect in its database exactly once ([`consume`]), or in its memory
//! ([`follow`]). What holds and what does not is in `docs/events.md`.

mod admin;
mod caller;
mod consumer;
mod effect;
mod failure;
mod feed;
mod follower;
mod gauges;
mod letter;
mod outbox;
mod progress;
mod publish;
mod pull;
mod retention;
mod routes;
mod sequencer;
mod serve;
mod status;
mod worker;

pub use consumer::{Behind, Consumer, Handler, consume};
pub use failure::Failure;
pub use follower::{Follower, follow};
pub use publish::{New, publish};
pub use retention::{delete_older, drop_older};
pub use serve::serve;

/// The path of the feed.
pub(crate) const FEED: &str = "/internal/events";

pub(crate) use gauges::record;
pub(crate) use routes::routes;
pub(crate) use status::Events;
