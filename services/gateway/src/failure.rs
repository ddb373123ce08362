//! Everything the gateway answers by itself because a request cannot or must not go on.

use std::time::Duration;

use chassis::error::ApiError;
use chassis::identity::TokenError;
use contract::code::ErrorCode;
use contract::text::Text;
use http::StatusCode;
use thiserror::Error;

use crate::handshake::HandshakeFault;
use crate::route::PathFault;
use crate::wire::Refusal;

/// How long a client should wait for a service that has no ready instance: one restart.
const COME_BACK: Duration = Duration::from_secs(2);

#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("the head of the request was refused: {0}")]
    Head(#[from] Refusal),
    #[error("the path was refused: {0}")]
    Path(#[from] PathFault),
    #[error("there is no route to the path")]
    NoRoute,
    #[error("the method is never routed")]
    Method,
    #[error("there is no access token")]
    NoToken,
    #[error("{0}")]
    Token(TokenError),
    #[error("the route is for administrators")]
    NotAdmin,
    #[error("the handshake of the WebSocket was refused: {0}")]
    Handshake(#[from] HandshakeFault),
    #[error("the WebSocket was asked for by a foreign page")]
    ForeignOrigin,
    #[error("the caller exceeds the rate limit")]
    RateLimited { seconds: u64 },
    #[error("the body is larger than the route allows")]
    BodyTooLarge,
    #[error("the body of the request is broken")]
    BodyBroken,
    #[error("the body of the request did not arrive in time")]
    BodySlow,
    #[error("{service} has no instance")]
    NoInstance { service: String },
    #[error("{service} cannot be reached")]
    Unreachable { service: String, source: std::io::Error },
    #[error("{service} broke off before it answered")]
    Broken { service: String, source: hyper::Error },
    #[error("{service} did not answer in time")]
    Timeout { service: String },
}

impl Failure {
    /// Whether somebody should look at the service behind, not at the client.
    pub(crate) fn is_upstreams(&self) -> bool {
        matches!(
            self,
            Self::NoInstance { .. } | Self::Unreachable { .. } | Self::Broken { .. } | Self::Timeout { .. }
        )
    }

    /// What the client reads.
    pub(crate) fn to_api_error(&self) -> ApiError {
        let bad = |status| ApiError::new(ErrorCode::BadRequest).status(status);
        match self {
            Self::Head(refusal) => head_error(*refusal),
            Self::Path(fault) => bad(StatusCode::BAD_REQUEST).text(Text::owned(
                format!("잘못된 경로입니다: {fault}"),
                format!("The path is not valid: {fault}."),
            )),
            Self::NoRoute => bad(StatusCode::NOT_FOUND)
                .text(Text::new("요청한 경로를 찾을 수 없습니다.", "There is nothing at this path.")),
            Self::Method => bad(StatusCode::METHOD_NOT_ALLOWED)
                .text(Text::new("허용되지 않는 메서드입니다.", "The method is not allowed.")),
            Self::NoToken => ApiError::new(ErrorCode::TokenInvalid)
                .text(Text::new("로그인이 필요합니다.", "An access token is required.")),
            Self::Token(TokenError::Expired) => ApiError::new(ErrorCode::TokenExpired),
            Self::Token(TokenError::Invalid(_)) => ApiError::new(ErrorCode::TokenInvalid),
            Self::Token(TokenError::Unavailable) => ApiError::new(ErrorCode::UpstreamUnavailable),
            Self::NotAdmin => ApiError::new(ErrorCode::AccessDenied),
            Self::Handshake(fault) => {
                let status = match fault {
                    HandshakeFault::Key => StatusCode::BAD_REQUEST,
                    HandshakeFault::Version => StatusCode::UPGRADE_REQUIRED,
                };
                bad(status).text(Text::owned(
                    format!("웹소켓 요청이 올바르지 않습니다: {fault}"),
                    format!("The WebSocket handshake is not valid: {fault}."),
                ))
            }
            Self::ForeignOrigin => ApiError::new(ErrorCode::AccessDenied).text(Text::new(
                "허용되지 않은 출처에서의 연결입니다.",
                "Pages of this origin may not connect.",
            )),
            Self::RateLimited { seconds } => {
                ApiError::new(ErrorCode::RateLimited).retry_after(Duration::from_secs(*seconds))
            }
            Self::BodyTooLarge => bad(StatusCode::PAYLOAD_TOO_LARGE)
                .text(Text::new("요청 본문이 너무 큽니다.", "The body of the request is too large.")),
            Self::BodyBroken => bad(StatusCode::BAD_REQUEST)
                .text(Text::new("요청 본문이 올바르지 않습니다.", "The body of the request is broken.")),
            Self::BodySlow => bad(StatusCode::REQUEST_TIMEOUT).text(Text::new(
                "요청이 시간 내에 도착하지 않았습니다.",
                "The request did not arrive in time.",
            )),
            Self::NoInstance { .. } | Self::Unreachable { .. } => {
                ApiError::new(ErrorCode::UpstreamUnavailable).retry_after(COME_BACK)
            }
            Self::Broken { .. } => ApiError::new(ErrorCode::UpstreamUnavailable)
                .status(StatusCode::BAD_GATEWAY)
                .retry_after(COME_BACK),
            Self::Timeout { .. } => ApiError::new(ErrorCode::UpstreamTimeout),
        }
    }
}

fn head_error(refusal: Refusal) -> ApiError {
    let status = match refusal {
        Refusal::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Refusal::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        Refusal::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Refusal::Malformed(_) => StatusCode::BAD_REQUEST,
    };
    let english = format!("The request was refused: {refusal}.");
    ApiError::new(ErrorCode::BadRequest)
        .status(status)
        .text(Text::owned(format!("요청을 처리할 수 없습니다: {refusal}"), english))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_the_status_and_code_of_the_api() {
        let service = || "auth".to_owned();
        for (failure, status, code) in [
            (Failure::Head(Refusal::TooLarge), 431, "E002"),
            (Failure::Head(Refusal::TooSlow), 408, "E002"),
            (Failure::Head(Refusal::Malformed("x")), 400, "E002"),
            (Failure::Path(PathFault::DotSegment), 400, "E002"),
            (Failure::NoRoute, 404, "E002"),
            (Failure::NoToken, 401, "A002"),
            (Failure::Token(TokenError::Expired), 401, "A001"),
            (Failure::Token(TokenError::Invalid("x")), 401, "A002"),
            (Failure::Token(TokenError::Unavailable), 503, "G002"),
            (Failure::NotAdmin, 403, "A003"),
            (Failure::ForeignOrigin, 403, "A003"),
            (Failure::Handshake(HandshakeFault::Key), 400, "E002"),
            (Failure::Handshake(HandshakeFault::Version), 426, "E002"),
            (Failure::RateLimited { seconds: 3 }, 429, "G001"),
            (Failure::BodyTooLarge, 413, "E002"),
            (Failure::NoInstance { service: service() }, 503, "G002"),
            (Failure::Timeout { service: service() }, 504, "G003"),
        ] {
            let error = failure.to_api_error();
            assert_eq!((error.status_code().as_u16(), error.code().as_str()), (status, code), "{failure}");
            let must_say_when = matches!(status, 429 | 503);
            assert!(!must_say_when || error.retry_after_secs().is_some(), "{failure}");
        }
    }
}
