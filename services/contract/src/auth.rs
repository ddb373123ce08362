//! What auth and its callers exchange, publicly and between services.

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
}

/// Data of [`event::TOKEN_REVOKED`]: every token of the session is dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenRevoked {
    pub sub: UserId,
    pub sid: SessionId,
    pub reason: RevocationReason,
}

/// Types of the events that auth publishes.
pub mod event {
    pub const TOKEN_REVOKED: &str = "com.dorandoran.auth.token-revoked.v1";
}

/// Where auth publishes the keys that access tokens are verified with.
pub const JWKS_PATH: &str = "/api/auth/.well-known/jwks.json";
