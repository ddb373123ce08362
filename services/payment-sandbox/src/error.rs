//! What can go wrong in the sandbox, and how each is answered.

use axum::response::{IntoResponse, Response};
use chassis::ApiError;
use contract::code::ErrorCode;
use contract::text::Text;
use http::StatusCode;

use crate::domain::Refusal;
use crate::ledger::TellerError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Ledger(#[from] TellerError),
    /// As the token wants it, or because there is too much to do.
    #[error("no authorisations right now")]
    Down,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Ledger(refusal.into())
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Down => ErrorCode::UpstreamUnavailable.into(),
            Error::Ledger(TellerError::Refused(refusal)) => refused(refusal),
            Error::Ledger(error @ (TellerError::Unwritten(_) | TellerError::Closed)) => {
                Self::new(ErrorCode::UpstreamUnavailable).because(error)
            }
            Error::Ledger(error @ TellerError::Unread(_)) => Self::internal(error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}

fn refused(refusal: Refusal) -> ApiError {
    let (status, code, ko, en) = match refusal {
        Refusal::Unknown => {
            (404, ErrorCode::BadRequest, "결제를 찾을 수 없습니다.", "The payment was not found.")
        }
        Refusal::Other => (
            409,
            ErrorCode::OrderState,
            "다른 결제에 사용된 식별자입니다.",
            "The id belongs to another payment.",
        ),
        Refusal::Declined => {
            (409, ErrorCode::PaymentDeclined, "거절된 결제입니다.", "The payment was declined.")
        }
        Refusal::Cancelled => {
            (409, ErrorCode::OrderState, "취소된 결제입니다.", "The payment was cancelled.")
        }
        Refusal::NotInParts => (
            409,
            ErrorCode::OrderState,
            "매입 전 결제는 전액만 취소할 수 있습니다.",
            "A payment that is not captured is cancelled as a whole.",
        ),
        Refusal::TooMuch => {
            (409, ErrorCode::OrderState, "남은 금액보다 많습니다.", "That is more than is left.")
        }
        Refusal::OtherAmount => (
            409,
            ErrorCode::OrderState,
            "같은 키로 다른 금액을 요청했습니다.",
            "The key was used for another amount.",
        ),
    };
    let status = StatusCode::from_u16(status).expect("these are statuses");
    ApiError::new(code).status(status).text(Text::new(ko, en)).because(refusal)
}
