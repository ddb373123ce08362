//! What auth and its callers exchange, publicly and between services.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{SessionId, UserId};
use crate::password::Password;
use crate::user::{Role, UserDto, UserStatus};

/// `POST /api/auth/login`. Unknown keys are ignored: the web client calls this.
#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
pub struct LoginRequest {
    #[garde(length(chars, min = 1, max = 320))]
    pub email: String,
    #[garde(skip)]
    pub password: Password,
}

/// `POST /api/auth/refresh`
#[derive(Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefreshRequest {
    #[garde(length(bytes, min = 1, max = 512))]
    pub refresh_token: String,
}

/// The answer to login and refresh.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenResponse {
    pub access_token: String,
    pub refresh_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Life of the access token in seconds.
    pub expires_in: u64,
    pub user: UserDto,
}

/// `PUT /internal/credentials/{userId}`, user to auth: the first step of a sign-up. Idempotent for the same
/// id; the credentials open nothing until confirmed.
#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutCredentials {
    /// Trimmed, in the case it was typed in.
    #[garde(length(chars, min = 3, max = 320))]
    pub email: String,
    #[garde(skip)]
    pub password: Password,
    #[garde(length(chars, min = 1, max = 101))]
    pub name: String,
    #[garde(skip)]
    pub role: Role,
}

/// What auth knows about a user's credentials; the answer to the internal calls about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsView {
    pub user_id: UserId,
    pub email: String,
    pub state: CredentialsState,
    pub status: UserStatus,
    pub role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialsState {
    /// Reserved by a sign-up that is not finished.
    Pending,
    Confirmed,
}

/// Paths of the internal routes between user and auth.
pub mod path {
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
}

/// Why tokens stopped being valid before their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RevocationReason {
    Logout,
    /// A refresh token was used again long after it had been exchanged.
    Reuse,
    /// The user was suspended or has left.
    Status,
    /// Tokens carry the role, and it is another one now.
    Role,
    /// Tokens carry the e-mail address, and it is another one now.
    Email,
    /// A reason of a newer auth: the tokens are dead whatever it is.
    #[serde(other)]
    Other,
}

/// Some tokens of a user are dead before their time. The data of [`event::TOKEN_REVOKED`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenRevoked {
    pub sub: UserId,
    /// Every token of this session is dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// Without `sid`: every token of the user that was issued before this, a whole second, is dead. The user's
    /// sessions may live on.
    #[serde(default, with = "crate::time::micros_option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub not_before: Option<DateTime<Utc>>,
    /// Readers accept reasons that they do not know.
    #[schemars(with = "String", extend("examples" = ["LOGOUT", "REUSE", "STATUS", "ROLE", "EMAIL"]))]
    pub reason: RevocationReason,
}

/// Which tokens a revocation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedTokens {
    OfSession(SessionId),
    /// Of the user, with an `iat` below this many seconds since 1970.
    IssuedBefore(i64),
}

impl TokenRevoked {
    pub const fn session(sub: UserId, sid: SessionId, reason: RevocationReason) -> Self {
        Self { sub, sid: Some(sid), not_before: None, reason }
    }

    pub const fn issued_before(sub: UserId, not_before: DateTime<Utc>, reason: RevocationReason) -> Self {
        Self { sub, sid: None, not_before: Some(not_before), reason }
    }

    /// `None` when it names neither a session nor a time, which no auth publishes.
    pub fn tokens(&self) -> Option<RevokedTokens> {
        match (self.sid, self.not_before) {
            (Some(sid), _) => Some(RevokedTokens::OfSession(sid)),
            (None, Some(not_before)) => Some(RevokedTokens::IssuedBefore(not_before.timestamp())),
            (None, None) => None,
        }
    }
}

/// Types of the events that auth publishes.
pub mod event {
    pub const TOKEN_REVOKED: &str = "com.dorandoran.auth.token-revoked.v1";
}

/// Where auth publishes the keys that access tokens are verified with.
pub const JWKS_PATH: &str = "/api/auth/.well-known/jwks.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_of_a_newer_auth_is_no_obstacle() {
        for (word, reason) in [
            ("LOGOUT", RevocationReason::Logout),
            ("ROLE", RevocationReason::Role),
            ("THE_MOON_IS_FULL", RevocationReason::Other),
        ] {
            assert_eq!(serde_json::from_value::<RevocationReason>(word.into()).unwrap(), reason);
        }
    }

    #[test]
    fn a_session_is_named_or_a_time() {
        let (sub, sid) = (uuid::Uuid::nil().into(), uuid::Uuid::nil().into());
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let session = TokenRevoked::session(sub, sid, RevocationReason::Logout);
        assert_eq!(session.tokens(), Some(RevokedTokens::OfSession(sid)));
        let subject = TokenRevoked::issued_before(sub, at, RevocationReason::Status);
        assert_eq!(subject.tokens(), Some(RevokedTokens::IssuedBefore(1_700_000_000)));
        assert_eq!(TokenRevoked { not_before: None, ..subject }.tokens(), None);
    }
}
