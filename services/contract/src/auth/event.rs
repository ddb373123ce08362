//! What auth tells of, and the types of its events.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{SessionId, UserId};

/// Its data is a [`super::TokenRevoked`].
pub const TOKEN_REVOKED: &str = "com.dorandoran.auth.token-revoked.v1";
/// Its data is a [`SessionStarted`].
pub const SESSION_STARTED: &str = "com.dorandoran.auth.session-started.v1";

/// A user was here: logged in, or refreshed a token. Told at most once an hour for each user, whatever the number of
/// sessions, so the time is up to an hour behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionStarted {
    pub sub: UserId,
    pub sid: SessionId,
    /// By the clock of auth's database.
    #[serde(with = "crate::time::micros")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: DateTime<Utc>,
}
