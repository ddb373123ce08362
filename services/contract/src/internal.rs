//! Bodies of the internal routes of user, below `/internal/users`. Those of auth are in [`crate::auth`].

use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::password::Password;
use crate::user::{Role, UserDto};

/// How far a sign-up has come, as user knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum SignUpState {
    /// The account may still come to nothing.
    Pending,
    /// The account exists; its credentials may be used.
    Active,
}

/// `GET /internal/users/{userId}`, for auth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserRecord {
    pub sign_up: SignUpState,
    /// Grows with every change of the profile.
    pub version: i64,
    pub user: UserDto,
}

/// `POST /internal/users`: an operator creates an account with a role. Empty names are filled in from the
/// e-mail address.
#[derive(Debug, Clone, Serialize, Deserialize, garde::Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct CreateUser {
    pub email: String,
    pub password: Password,
    #[serde(default)]
    pub first_name: String,
    #[serde(default)]
    pub last_name: String,
    pub role: Role,
}

/// The answer to [`CreateUser`].
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreatedUser {
    pub id: UserId,
}
