//! A database per test, cloned from a migrated template on a server that all tests of this machine and user share.
//!
//! The server is started by the first test that needs it and stops by itself when nobody has been connected for a
//! while, so nothing has to be set up before the tests and nothing stays after them but files in the cache.

mod removal;
mod server;
mod session;
mod template;
mod test_db;
mod verifier;
mod watcher;

pub use test_db::TestDb;
