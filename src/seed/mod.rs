//! Fills the databases: `demo` with a few people, the tutor bots and a catalogue; `load` with as many learners
//! as asked for and what they leave behind.
//!
//! Everything follows from the seed's number and an index, ids included, so that five databases agree without
//! asking each other. `content`, `people`, `rooms` and `load` are pure; `fill` owns the connection.

mod bookmarks;
mod catalogue;
mod content;
mod copy;
mod demo;
mod error;
mod fill;
mod load;
mod names;
mod number;
mod password;
mod people;
mod rooms;
mod tables;
#[cfg(test)]
mod tests;

pub(crate) use demo::{ACCOUNTS, Account};
pub(crate) use error::SeedError;
pub(crate) use fill::{Progress, Report, fill};
pub(crate) use load::{LOAD_PASSWORD, email_of};

/// What to fill in. The demo is always the same; a load follows from its number, and a larger one continues a
/// smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    Demo,
    Load { users: u32, number: u64 },
}
