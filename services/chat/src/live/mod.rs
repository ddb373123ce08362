//! Open streams of rooms: who listens here, what they have not seen yet, and who else has to hear of it.
//!
//! A room with streams on this instance keeps a window of its newest messages. What this instance commits goes
//! straight into it; what others commit is read by one reader when a wake or a poll says that it is there. Streams
//! are not sent anything: each takes what follows its cursor, from the window or, when it is further behind, from
//! the database. So a slow one costs no memory, and whatever is lost on the way, a message is not.

mod bus;
mod catch_up;
mod delivered;
mod entry;
mod handle;
mod hub;
mod meters;
mod persist;
mod poll;
mod reader;
mod room;
pub mod sse;
pub mod stream;
mod subscription;
mod sweep;
mod update;
mod window;

pub use entry::Entry;
pub use handle::Live;
pub use hub::Stats;
pub use meters::Open;
pub use subscription::Subscription;
pub use update::{End, Signal, Update};
