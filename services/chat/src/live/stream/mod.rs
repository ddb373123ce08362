//! Server-sent events of a room: what goes out when, and the body that sends it.

mod body;
mod script;

pub use body::body;
pub use script::{Opening, Script, Step};
