//! The chassis as services use it: through a router, over real sockets, and as a process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, in its fixtures too")]

mod access_token;
mod app;
mod cache;
mod client;
mod database;
mod drain;
mod fixture;
mod idempotency;
mod overload;
mod process;
mod registry;
mod revocation;
mod service_token;
mod subscription;
mod upkeep;
