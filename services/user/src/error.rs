//! What can go wrong in user, and how each is answered.

use axum::response::{IntoResponse, Response};
use chassis::ApiError;
use contract::code::ErrorCode;
use contract::text::Text;
use http::StatusCode;

use crate::domain::change::Refusal;
use crate::domain::violation::{Rule, Violation};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Answered as it is.
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("failed to reach user_db")]
    Database(#[from] sqlx::Error),
    #[error("some fields break a rule")]
    Invalid(Vec<Violation>),
    #[error("the e-mail address is taken")]
    EmailTaken,
    #[error("there is no such user")]
    NotFound,
    #[error("only administrators change a role or a status")]
    AdminsOnly,
    #[error("an e-mail address cannot be changed yet")]
    EmailIsFixed,
    #[error("the profile changed since it was read")]
    Stale,
    #[error("the account is withdrawn for good")]
    Withdrawn,
    /// The healer took the sign-up for one that was left behind.
    #[error("the sign-up took too long and was taken back")]
    SignUpTookTooLong,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::AdminsOnly => Self::AdminsOnly,
            Refusal::EmailIsFixed => Self::EmailIsFixed,
            Refusal::Stale => Self::Stale,
            Refusal::Withdrawn => Self::Withdrawn,
            Refusal::Invalid(broken) => Self::Invalid(broken),
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(error) => error,
            Error::Database(error) => error.into(),
            Error::Invalid(broken) => invalid(&broken),
            Error::EmailTaken => ErrorCode::EmailTaken.into(),
            Error::NotFound => ErrorCode::UserNotFound.into(),
            Error::AdminsOnly => ErrorCode::AccessDenied.into(),
            Error::EmailIsFixed => Self::new(ErrorCode::Validation).field(
                "email",
                Text::new(
                    "이메일 주소는 아직 변경할 수 없습니다.",
                    "The email address cannot be changed yet.",
                ),
            ),
            Error::Stale => {
                Self::new(ErrorCode::BadRequest).status(StatusCode::PRECONDITION_FAILED).text(Text::new(
                    "그 사이에 정보가 변경되었습니다. 다시 불러온 후 시도해 주세요.",
                    "This was changed in the meantime. Please load it again and retry.",
                ))
            }
            Error::Withdrawn => Self::new(ErrorCode::AlreadyInactive).text(Text::new(
                "탈퇴 처리가 완료되어 변경할 수 없는 계정입니다.",
                "This account was withdrawn for good and cannot be changed.",
            )),
            Error::SignUpTookTooLong => Self::new(ErrorCode::UpstreamUnavailable).because(error),
        }
    }
}

/// A password that is only too weak has its own code, for the web client's own message.
fn invalid(broken: &[Violation]) -> ApiError {
    let only_weak_password = broken.iter().all(|violation| violation.rule == Rule::WeakPassword);
    let code = if only_weak_password { ErrorCode::WeakPassword } else { ErrorCode::Validation };
    broken
        .iter()
        .fold(ApiError::new(code), |error, violation| error.field(violation.field, violation.rule.text()))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}
