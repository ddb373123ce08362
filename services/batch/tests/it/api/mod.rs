//! The routes, through the router and on a real database.

mod access;
mod archive;
mod desk;
mod execution;
mod log;
mod report;
mod scripted;
mod skipped;
mod stream;
mod trigger;
