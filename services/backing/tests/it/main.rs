//! Real servers, as the user that they run as in a stack.

#![expect(clippy::unwrap_used, reason = "a test ends by panicking, also in what it calls")]

mod cluster;
mod lifecycle;
mod permission;
mod redis;
mod stage;
