//! What each route does: extract, decide, persist, reply.

pub mod health;
pub mod internal;
pub mod jwks;
pub mod login;
pub mod logout;
pub mod maintenance;
pub mod me;
pub mod refresh;
