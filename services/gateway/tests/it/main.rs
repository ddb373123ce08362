//! The gateway between real sockets: clients in front, fake services behind.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod cors;
mod drain;
mod events;
mod failures;
mod fixture;
mod goodbye;
mod handover;
mod hygiene;
mod identity;
mod limits;
mod reload;
mod routing;
mod shared_limits;
mod streaming;
mod tunnel;
mod websocket;
