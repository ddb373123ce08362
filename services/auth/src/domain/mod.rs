//! The rules of sessions and logins: pure, without SQL, HTTP or clocks.

pub mod copy;
pub mod purge;
pub mod refresh;
pub mod throttle;
