//! Events as they travel between services, and what an operator asks about them.

mod admin;
mod envelope;

pub use admin::{
    ConsumerView, DeadLetter, DeadLetterState, DropLetter, FailedReplay, Head, Replayed, SetPosition,
};
pub use envelope::{
    BATCH_CONTENT_TYPE, CloudEvent, HEAD_HEADER, MAX_BATCH, SPEC_VERSION, schema_urn, source_of,
};

/// Paths of the routes that every service with a database serves, to services and the operator.
pub mod path {
    use uuid::Uuid;

    /// GET is the feed: `?after=<position>&limit=&wait=<seconds>&since=<RFC 3339>`.
    pub const FEED: &str = "/internal/events";
    /// GET answers a [`super::Head`].
    pub const HEAD: &str = "/internal/events/head";
    /// GET lists [`super::ConsumerView`]s.
    pub const CONSUMERS: &str = "/internal/events/consumers";
    /// GET lists [`super::DeadLetter`]s: `?state=&consumer=&limit=`.
    pub const DEAD: &str = "/internal/events/dead";
    /// POST replays what is parked and answers [`super::Replayed`].
    pub const REPLAY_ALL: &str = "/internal/events/dead/replay";

    /// POST takes a [`super::SetPosition`]: the consumer goes on behind it.
    pub fn position(consumer: &str, source: &str) -> String {
        format!("{CONSUMERS}/{consumer}/{source}/position")
    }

    /// GET answers one [`super::DeadLetter`].
    pub fn letter(letter: Uuid) -> String {
        format!("{DEAD}/{letter}")
    }

    /// POST replays the parked events of the letter's aggregate, in order, and answers [`super::Replayed`].
    pub fn replay(letter: Uuid) -> String {
        format!("{DEAD}/{letter}/replay")
    }

    /// POST takes a [`super::DropLetter`]: the event will not take effect.
    pub fn drop(letter: Uuid) -> String {
        format!("{DEAD}/{letter}/drop")
    }
}
