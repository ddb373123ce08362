//! What each route does: extract, decide, persist, reply.

pub mod email;
pub mod health;
pub mod internal;
pub mod maintenance;
pub mod profile;
pub mod sign_up;
