//! Redis or Valkey: one server with a password, append-only, on loopback.

mod installation;
mod probe;
mod server;

pub use installation::{Installation, NotFound};
pub use probe::{NotReady, is_ready};
pub use server::{LaunchError, METRICS_USER, launch};
