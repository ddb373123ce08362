//! The WebSocket of a room: the frames of `contract::chat` over one connection, with the order and the guarantees of
//! the event streams, and what only makes sense both ways: typing, read marks, who is here.
//!
//! A connection is one task of three parts that never wait for each other without a bound: one reads frames, one
//! stores what was sent, in order, and one writes. The writer pulls messages from its [`crate::live::Subscription`]
//! only when the socket takes them; everything else comes to it through a short queue.

mod close;
mod connection;
mod entry;
mod frame;
mod inbox;
mod outbox;
mod post;
pub mod presence;
mod sockets;
mod throttle;
mod ticket;
mod typing;

pub use entry::{Credential, Offer};
pub use sockets::{Opening, Sockets};
pub use ticket::{NoRandomness, Ticket};

use std::time::Duration;

/// How long a connection waits for what.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Between two pings.
    pub ping: Duration,
    /// Without a frame of the client, pongs included, it is taken for dead.
    pub idle: Duration,
    /// The longest that a client may leave what it gets unread.
    pub stall: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { ping: Duration::from_secs(25), idle: Duration::from_mins(1), stall: Duration::from_secs(20) }
    }
}
