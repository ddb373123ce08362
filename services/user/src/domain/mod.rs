//! The rules of accounts and profiles: pure, without SQL, HTTP or clocks.

pub mod change;
pub mod email;
pub mod inactive;
pub mod sign_up;
pub mod violation;
