//! What tests of the services need: a database each, requests against a router, keys, bounded waits.
//!
//! A dev-dependency: it panics with a sentence instead of returning errors, because a test has no use for them.

mod database;
mod directory;
mod eventually;
mod issuer;
mod keys;
mod port;
mod redis;
mod request;
mod skip;

pub use database::TestDb;
pub use directory::private_directory;
pub use eventually::{Condition, eventually};
pub use issuer::{Issuer, access_claims};
pub use keys::{ServiceKeys, keys, service_token};
pub use port::free_port;
pub use redis::TestRedis;
pub use request::{TestApp, TestRequest, TestResponse};
pub use skip::skip;
