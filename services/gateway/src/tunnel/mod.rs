//! A connection after its upgrade: bytes both ways between client and service, until either ends.
//!
//! One task carries both directions, so nothing can outlive the other half. Frames are not parsed, only counted
//! towards the client, so that the gateway can say goodbye between two of them when it stops.

mod boundary;
mod carry;
mod direction;

pub(crate) use carry::{Entrance, run};
