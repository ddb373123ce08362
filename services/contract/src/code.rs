//! The platform's error codes, each with its usual HTTP status and its message in both languages.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::Text;

// `tt`, not `literal`: utoipa reads a literal only when it is not wrapped in a fragment.
macro_rules! codes {
    ($($variant:ident = $code:tt, $status:literal, $ko:literal, $en:literal;)+) => {
        /// What went wrong, for programs. The web client reads these.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum ErrorCode {
            $(#[serde(rename = $code)] $variant,)+
        }

        impl ErrorCode {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The status this code is usually answered with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            pub const fn text(self) -> Text {
                match self { $(Self::$variant => Text::new($ko, $en),)+ }
            }
        }
    };
}

codes! {
    UserNotFound = "U001", 404, "사용자를 찾을 수 없습니다.", "The user was not found.";
    EmailTaken = "U002", 409, "이미 사용 중인 이메일입니다.", "This email is already in use.";
    BadCredentials = "U003", 401, "이메일 또는 비밀번호가 올바르지 않습니다.",
        "The email or password is not correct.";
    WeakPassword = "U004", 400, "비밀번호는 8자 이상 100자 이하이며 영문자와 숫자를 포함해야 합니다.",
        "The password must have 8 to 100 characters with a letter and a digit.";
    AlreadyInactive = "U005", 409, "이미 비활성화된 사용자입니다.", "The user is already inactive.";
    AlreadySuspended = "U006", 409, "이미 정지된 사용자입니다.", "The user is already suspended.";
    TokenExpired = "A001", 401, "토큰이 만료되었습니다.", "The token has expired.";
    TokenInvalid = "A002", 401, "유효하지 않은 토큰입니다.", "The token is not valid.";
    AccessDenied = "A003", 403, "접근 권한이 없습니다.", "You do not have access to this.";
    RoomNotFound = "C001", 404, "채팅방을 찾을 수 없습니다.", "The chat room was not found.";
    MessageNotFound = "C002", 404, "메시지를 찾을 수 없습니다.", "The message was not found.";
    ItemNotFound = "S001", 404, "상품을 찾을 수 없습니다.", "The item was not found.";
    OutOfStock = "S002", 409, "재고가 부족합니다.", "The item is out of stock.";
    OrderState = "S003", 409, "현재 주문 상태에서는 할 수 없는 요청입니다.",
        "The order's state does not allow this.";
    PaymentDeclined = "S004", 409, "결제가 거절되었습니다.", "The payment was declined.";
    JobNotFound = "B001", 404, "작업을 찾을 수 없습니다.", "The job was not found.";
    JobRunning = "B002", 409, "작업이 이미 실행 중이거나 완료되었습니다.",
        "The job is already running or complete.";
    RateLimited = "G001", 429, "요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.",
        "Too many requests. Please try again shortly.";
    UpstreamUnavailable = "G002", 503, "서비스를 일시적으로 사용할 수 없습니다. 잠시 후 다시 시도해 주세요.",
        "The service is temporarily unavailable. Please try again shortly.";
    UpstreamTimeout = "G003", 504, "요청 처리 시간이 초과되었습니다.", "The request took too long.";
    Internal = "E001", 500, "서버 내부 오류가 발생했습니다.", "An internal error occurred.";
    BadRequest = "E002", 400, "잘못된 요청입니다.", "The request is not valid.";
    Validation = "E003", 400, "입력값이 올바르지 않습니다.", "Some fields are not valid.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn bad_credentials_name_both_fields_in_the_words_the_web_client_looks_for() {
        let text = ErrorCode::BadCredentials.text();
        assert!(text.ko.contains("이메일") && text.ko.contains("비밀번호"));
        assert!(text.en.contains("email") && text.en.contains("password"));
        assert_eq!(text.in_language(Language::English), text.en);
    }

    #[test]
    fn every_code_is_unique_and_an_error() {
        let mut seen: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), ErrorCode::ALL.len());
        let described = serde_json::to_value(<ErrorCode as utoipa::PartialSchema>::schema()).unwrap();
        assert_eq!(described["enum"], serde_json::to_value(ErrorCode::ALL).unwrap(), "as it is on the wire");
        assert!(ErrorCode::ALL.iter().all(|code| (400..600).contains(&code.status())));
    }
}
