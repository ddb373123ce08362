//! What keeps calls between services safe: pure cores over a given clock, and thin handles around them.
//!
//! Knows nothing of HTTP.

pub mod balance;
pub mod breaker;
pub mod bulkhead;
pub mod hedge;
pub mod limit;
pub mod retry;
pub mod shed;
