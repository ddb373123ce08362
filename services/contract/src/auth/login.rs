//! Opening a session and keeping it.

use serde::{Deserialize, Serialize};

use crate::password::Password;
use crate::user::UserDto;

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
