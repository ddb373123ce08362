//! What can go wrong in chat, and how each is answered.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use chassis::ApiError;
use contract::code::ErrorCode;
use contract::text::Text;
use http::StatusCode;

use crate::domain::room::Violation;

/// Until there may be place again.
const SOON: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Answered as it is.
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("failed to reach chat_db")]
    Database(#[from] sqlx::Error),
    #[error("some fields break a rule")]
    Invalid(Vec<Violation>),
    #[error("there is no such room, or it was left")]
    RoomNotFound,
    #[error("there is no such version of the prompt")]
    PromptNotFound,
    #[error("the bot changed since it was read")]
    Stale,
    /// What is archived and what is there differ, or the month goes on.
    #[error("the month cannot be dropped")]
    NotDroppable(Text),
    #[error("the room is somebody else's")]
    NotYours,
    #[error("there is no such bot")]
    BotNotFound,
    #[error("the message was archived")]
    MessageGone,
    #[error("too many messages wait to be stored in the room")]
    Crowded,
    #[error("nobody waits any more for the message to be stored")]
    Abandoned,
    #[error("the service stops before the message was stored")]
    Stopping,
    #[error("failed to write JSON")]
    Encoding(#[source] serde_json::Error),
}

impl Error {
    pub(crate) const fn encoding(error: serde_json::Error) -> Self {
        Self::Encoding(error)
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Invalid(vec![violation])
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(error) => error,
            Error::Database(error) => error.into(),
            Error::Invalid(wrong) => wrong
                .into_iter()
                .fold(Self::new(ErrorCode::Validation), |error, wrong| error.field(wrong.field, wrong.text)),
            Error::RoomNotFound => ErrorCode::RoomNotFound.into(),
            Error::BotNotFound => {
                missing(Text::new("챗봇을 찾을 수 없습니다.", "The chatbot was not found."))
            }
            Error::PromptNotFound => missing(Text::new(
                "프롬프트 버전을 찾을 수 없습니다.",
                "There is no such version of the prompt.",
            )),
            Error::Stale => {
                Self::new(ErrorCode::BadRequest).status(StatusCode::PRECONDITION_FAILED).text(Text::new(
                    "그 사이에 정보가 변경되었습니다. 다시 불러온 후 시도해 주세요.",
                    "This was changed in the meantime. Please load it again and retry.",
                ))
            }
            Error::NotDroppable(text) => {
                Self::new(ErrorCode::BadRequest).status(StatusCode::CONFLICT).text(text)
            }
            Error::NotYours => ErrorCode::AccessDenied.into(),
            Error::MessageGone => ErrorCode::MessageNotFound.into(),
            Error::Crowded | Error::Stopping | Error::Abandoned => {
                Self::new(ErrorCode::UpstreamUnavailable).retry_after(SOON).because(error)
            }
            Error::Encoding(_) => Self::internal(error),
        }
    }
}

/// What has no code of its own.
fn missing(text: Text) -> ApiError {
    ApiError::new(ErrorCode::BadRequest).status(StatusCode::NOT_FOUND).text(text)
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}
