//! What the contract promises to programs that are not built from it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests do")]

mod schema;
