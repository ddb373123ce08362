//! Paths of the internal routes between user and auth, and of auth's keys.

use crate::id::UserId;

/// PUT reserves, DELETE takes back what is not confirmed. Served by auth.
pub fn credentials(user: UserId) -> String {
    format!("/internal/credentials/{user}")
}

/// POST makes the reserved credentials usable. Served by auth.
pub fn confirm_credentials(user: UserId) -> String {
    format!("/internal/credentials/{user}/confirm")
}

/// GET answers a [`crate::internal::UserRecord`]. Served by user.
pub fn user(user: UserId) -> String {
    format!("/internal/users/{user}")
}

/// POST takes a [`crate::internal::CreateUser`] from an operator. Served by user.
pub const USERS: &str = "/internal/users";

/// Where auth publishes the keys that access tokens are verified with.
pub const JWKS_PATH: &str = "/api/auth/.well-known/jwks.json";
