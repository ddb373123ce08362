//! The adapter for Toss Payments against a fake of its API on a real socket. What the fake answers is recorded in
//! `recorded/`: documents with the keys and types that the public reference shows (version 2022-11-16) and values of
//! our own.

mod books;
mod cancel;
mod confirm;
mod expected;
mod fake;
mod fault;
mod find;
mod log;
mod stage;
mod webhook;
