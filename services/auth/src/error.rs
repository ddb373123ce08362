//! What can go wrong in auth, and how each is answered.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use chassis::ApiError;
use contract::code::ErrorCode;
use contract::text::Text;

use crate::password;
use crate::refresh_token::NoRandomness;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Answered as it is.
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("failed to reach auth_db")]
    Database(#[from] sqlx::Error),
    /// The same for unknown addresses and wrong passwords.
    #[error("unknown e-mail address or wrong password")]
    BadCredentials,
    #[error("the account is inactive or suspended")]
    NotActive,
    #[error("too many failed logins")]
    TooManyFailures { retry_after: Duration },
    #[error("the refresh token has expired")]
    TokenExpired,
    #[error("the token is not valid")]
    TokenInvalid,
    #[error("the e-mail address is taken")]
    EmailTaken,
    #[error("there are no such credentials")]
    NotFound,
    #[error(transparent)]
    Password(#[from] password::Error),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("failed to sign an access token")]
    Sign(#[source] jsonwebtoken::errors::Error),
    #[error("the signing keys are not loaded yet")]
    NoKeysYet,
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(error) => error,
            Error::Database(error) => error.into(),
            Error::BadCredentials => ErrorCode::BadCredentials.into(),
            Error::NotActive => Self::new(ErrorCode::AccessDenied).text(Text::new(
                "비활성화되었거나 정지된 계정입니다.",
                "This account is inactive or suspended.",
            )),
            Error::TooManyFailures { retry_after } => Self::new(ErrorCode::RateLimited)
                .text(Text::new(
                    "로그인 시도가 너무 많습니다. 잠시 후 다시 시도해 주세요.",
                    "Too many login attempts. Please try again later.",
                ))
                .retry_after(retry_after),
            Error::TokenExpired => ErrorCode::TokenExpired.into(),
            Error::TokenInvalid => ErrorCode::TokenInvalid.into(),
            Error::EmailTaken => ErrorCode::EmailTaken.into(),
            Error::NotFound => ErrorCode::UserNotFound.into(),
            Error::Password(password::Error::Busy) | Error::NoKeysYet => {
                Self::new(ErrorCode::UpstreamUnavailable).because(error)
            }
            Error::Password(_) | Error::NoRandomness(_) | Error::Sign(_) => Self::internal(error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}
