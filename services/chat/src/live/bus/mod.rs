//! Between instances: what has happened here is told to the others, and what they tell is heard. It only wakes: the
//! truth is in the database, and whatever is lost costs time, never a message.

mod ear;
mod mouth;
mod outbox;
mod sureness;
mod wire;

pub(super) use ear::Ear;
pub(super) use mouth::Mouth;
pub(super) use sureness::Sureness;

/// The channel's name, in Redis and in PostgreSQL.
const CHANNEL: &str = "chat:v1:live";
