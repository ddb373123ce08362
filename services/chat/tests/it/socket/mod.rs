//! The WebSocket of a room over real listeners, with a client that is not ours.

mod end;
mod entry;
mod frame;
mod limit;
mod order;
mod signal;
mod stage;

pub(crate) use stage::{FAST, Stage};
