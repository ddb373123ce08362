//! Redis, if there is one. Everything works without: whoever asks gets [`Lost`] at once, or within its own limit,
//! and goes on by other means.

mod handle;
mod link;
mod subscription;

pub use handle::Redis;
pub use link::{Link, Lost};
pub use subscription::{Heard, Subscription};
