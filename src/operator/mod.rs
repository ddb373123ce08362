//! Calls to the services' internal routes, with tokens that the operator's key signs.
//!
//! The key is one of the stack's secrets: who can read it runs the stack anyway.

mod decoder;
mod service;
mod stream;

pub(crate) use decoder::Event;
pub(crate) use service::{LIMIT, Refused, Service, token};
pub(crate) use stream::EventStream;
