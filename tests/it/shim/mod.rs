//! The shim alone, as the supervisor meets it: a spec file, a socket, log segments and an exit record.

pub(crate) mod harness;
mod life;
mod output;
mod stop;
