//! The rules of sessions and logins: pure, without SQL, HTTP or clocks.

pub mod refresh;
pub mod throttle;
