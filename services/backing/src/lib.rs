//! The backing services: finds PostgreSQL and Redis, prepares their directories, says how to run them and
//! whether they answer.
//!
//! Starts nothing that outlives a call: whoever asks for a [`Launch`] runs it. `doran` and `testkit` link this
//! crate, so it stays free of drivers and HTTP.

mod directory;
mod launch;
pub mod postgres;
pub mod redis;
mod search;
pub mod secret;
mod tool;
mod user;

pub use directory::{DirectoryError, ensure_directory};
pub use launch::Launch;
pub use search::SearchPlaces;
pub use tool::ToolError;
pub use user::{ServerUser, UserError, server_user};
