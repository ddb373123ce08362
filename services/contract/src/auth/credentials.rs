//! What user and auth say to each other about the credentials of a sign-up.

use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::password::Password;
use crate::user::{Role, UserStatus};

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
