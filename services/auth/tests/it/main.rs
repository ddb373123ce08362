//! The auth service through its router, on a real PostgreSQL, with a stand-in for the user service.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests do")]

mod cached;
mod copy;
mod internal;
mod keys;
mod login;
mod maintenance;
mod presence;
mod refresh;
mod service;
mod session;
