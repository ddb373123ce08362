//! The user service through its router, on a real PostgreSQL, with the real auth service behind it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests do")]

mod healing;
mod inactive;
mod internal;
mod journey;
mod profile;
mod revocation;
mod sign_up;
mod stack;
