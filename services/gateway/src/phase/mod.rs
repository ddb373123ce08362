//! The phases of a request in their order, a plain function each.

mod admit;
mod authenticate;
mod fallback;
mod forward;
mod greet;
mod match_route;
mod pick;
mod receive;
mod respond;

pub(crate) use admit::admit;
pub(crate) use authenticate::authenticate;
pub(crate) use forward::forward;
pub(crate) use greet::greet;
pub(crate) use match_route::{Destination, match_route};
pub(crate) use respond::{preflight, refused_head, respond};
