//! What can go wrong in store, and how each is answered.

use axum::response::{IntoResponse, Response};
use chassis::ApiError;
use contract::code::ErrorCode;
use contract::text::Text;
use http::StatusCode;

use crate::domain::draft::DraftError;
use crate::domain::violation::Violation;
use crate::payment::NoticeError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Answered as it is.
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("failed to reach store_db")]
    Database(#[from] sqlx::Error),
    #[error("some fields break a rule")]
    Invalid(Vec<Violation>),
    #[error("there can be no such order")]
    Draft(#[from] DraftError),
    #[error("the webhook is not taken")]
    Webhook(#[from] NoticeError),
    /// Of the catalogue.
    #[error("there is no such item")]
    ItemNotFound,
    #[error("another item has this sku")]
    SkuTaken,
    #[error("less is available than is to be taken away")]
    OutOfStock,
    #[error("there is no such order, or it is somebody else's")]
    OrderNotFound,
    #[error("there is no such saga")]
    SagaNotFound,
    #[error("there is no such bookmark")]
    BookmarkNotFound,
    #[error("another order has this payment")]
    PaymentTaken,
    #[error("the order's state does not allow this")]
    OrderState,
    #[error("the thing changed since it was read")]
    Stale,
    #[error("somebody else's")]
    NotYours,
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
            Error::Draft(error) => unsellable(error),
            Error::Webhook(NoticeError::Unproven(cause)) => Self::new(ErrorCode::TokenInvalid).because(cause),
            Error::Webhook(cause @ (NoticeError::Unreadable(_) | NoticeError::NotOurs)) => {
                Self::new(ErrorCode::BadRequest).because(cause)
            }
            Error::ItemNotFound => ErrorCode::ItemNotFound.into(),
            Error::SkuTaken => Self::new(ErrorCode::BadRequest)
                .status(StatusCode::CONFLICT)
                .text(Text::new("이미 사용 중인 상품 코드입니다.", "Another item has this sku.")),
            Error::OutOfStock => ErrorCode::OutOfStock.into(),
            Error::OrderNotFound => Self::new(ErrorCode::BadRequest)
                .status(StatusCode::NOT_FOUND)
                .text(Text::new("주문을 찾을 수 없습니다.", "The order was not found.")),
            Error::SagaNotFound => Self::new(ErrorCode::BadRequest)
                .status(StatusCode::NOT_FOUND)
                .text(Text::new("진행 중인 처리를 찾을 수 없습니다.", "The saga was not found.")),
            Error::BookmarkNotFound => Self::new(ErrorCode::BadRequest)
                .status(StatusCode::NOT_FOUND)
                .text(Text::new("북마크를 찾을 수 없습니다.", "The bookmark was not found.")),
            Error::PaymentTaken => {
                Self::new(ErrorCode::BadRequest).status(StatusCode::CONFLICT).text(Text::new(
                    "이미 다른 주문에 사용된 결제입니다.",
                    "Another order was paid for with this payment.",
                ))
            }
            Error::OrderState => ErrorCode::OrderState.into(),
            Error::Stale => {
                Self::new(ErrorCode::BadRequest).status(StatusCode::PRECONDITION_FAILED).text(Text::new(
                    "그 사이에 정보가 변경되었습니다. 다시 불러온 후 시도해 주세요.",
                    "This was changed in the meantime. Please load it again and retry.",
                ))
            }
            Error::NotYours => ErrorCode::AccessDenied.into(),
        }
    }
}

/// What cannot be ordered.
fn unsellable(error: DraftError) -> ApiError {
    let text = match error {
        DraftError::NotForSale => return ErrorCode::ItemNotFound.into(),
        DraftError::Empty => Text::new("주문할 상품을 선택해 주세요.", "Choose something to order."),
        DraftError::Currencies => Text::new(
            "통화가 다른 상품은 함께 주문할 수 없습니다.",
            "Items of different currencies need an order each.",
        ),
        DraftError::TooLarge => Text::new("주문 금액이 너무 큽니다.", "The order comes to too much."),
    };
    ApiError::new(ErrorCode::Validation).field("items", text)
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}
