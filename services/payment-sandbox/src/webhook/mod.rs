//! Webhooks to store: what happened to a payment, signed.
//!
//! Nothing rests on them. One that is lost, because the queue is full, store is away for long or this process ends,
//! is not made up for: store asks by itself what it has not heard.

mod announcer;
mod delivery;
mod signature;

pub use announcer::{Announcer, Manner};
