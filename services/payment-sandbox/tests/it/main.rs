//! The sandbox through its router, with a store that listens, and as a process that dies.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod crash;
mod disk;
mod fixture;
mod ledger;
mod payment;
mod process;
mod service;
mod webhook;
