//! Streams of rooms over several instances, without HTTP: what arrives, in which order, whatever fails.

mod broken;
mod bus;
mod end;
mod fixture;
mod order;
mod outage;
mod slow;
