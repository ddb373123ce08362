//! The small process around every unit: it owns the unit's output and its exit status, so that the
//! supervisor may be killed at any time.
//!
//! `run` is the process itself: blocking std threads and no tokio, because one of it lives beside every
//! unit. `client` is the supervisor's end of the socket. What they say to each other is in `protocol`.

pub(crate) mod client;
pub(crate) mod descendant;
mod end;
mod keeper;
mod launch;
pub(crate) mod protocol;
mod reaper;
mod run;
mod server;
mod signal;

pub(crate) use run::run;

/// The verb by which `doran` becomes a shim: never typed, and not in the command line's help.
pub(crate) const VERB: &str = "shim";
