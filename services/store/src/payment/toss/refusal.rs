//! What the API's error codes mean. Pure.
//!
//! By the code, not by the status: `PROVIDER_ERROR` comes with 400 and passes, `REFUND_REJECTED` comes with 400 and
//! does not.

use http::StatusCode;

/// What can be made of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It may be otherwise later, or has happened all the same.
    Passing,
    /// The key or the contract is not in order: nothing happened, and nothing will until somebody mends it.
    Ours,
    /// The customer's means of payment was turned down.
    Declined,
    /// It depends on how the payment stands.
    Standing,
}

/// Comes back better by itself. <https://docs.tosspayments.com/reference/error-codes>; the first two are those of
/// idempotency and of a second cancellation within a second.
const PASSING: [&str; 12] = [
    "IDEMPOTENT_REQUEST_PROCESSING",
    "FORBIDDEN_CONSECUTIVE_REQUEST",
    "ALREADY_PROCESSING_REQUEST",
    "PROVIDER_ERROR",
    "CARD_PROCESSING_ERROR",
    "COMMON_ERROR",
    "UNKNOWN_PAYMENT_ERROR",
    "FAILED_INTERNAL_SYSTEM_PROCESSING",
    "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING",
    "FAILED_REFUND_PROCESS",
    "FAILED_METHOD_HANDLING_CANCEL",
    "FAILED_PARTIAL_REFUND",
];

const OURS: [&str; 8] = [
    "UNAUTHORIZED_KEY",
    "INVALID_API_KEY",
    "INCORRECT_BASIC_AUTH_FORMAT",
    "FORBIDDEN_REQUEST",
    "INVALID_IDEMPOTENCY_KEY",
    "NOT_REGISTERED_BUSINESS",
    "INVALID_UNREGISTERED_SUBMALL",
    "NOT_FOUND_TERMINAL_ID",
];

/// Of a confirmation: no money was taken, and with this payment none will be.
const DECLINED: [&str; 32] = [
    "REJECT_CARD_PAYMENT",
    "REJECT_CARD_COMPANY",
    "REJECT_ACCOUNT_PAYMENT",
    "REJECT_TOSSPAY_INVALID_ACCOUNT",
    "INVALID_REJECT_CARD",
    "INVALID_STOPPED_CARD",
    "INVALID_CARD_EXPIRATION",
    "INVALID_CARD_NUMBER",
    "INVALID_CARD_LOST_OR_STOLEN",
    "INVALID_CARD_INSTALLMENT_PLAN",
    "INVALID_AUTHORIZE_AUTH",
    "INVALID_PASSWORD",
    "INVALID_ACCOUNT_INFO_RE_REGISTER",
    "INVALID_REQUEST",
    "BELOW_MINIMUM_AMOUNT",
    "EXCEED_MAX_AMOUNT",
    "EXCEED_MAX_AUTH_COUNT",
    "EXCEED_MAX_ONE_DAY_AMOUNT",
    "EXCEED_MAX_DAILY_PAYMENT_COUNT",
    "EXCEED_MAX_PAYMENT_AMOUNT",
    "EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT",
    "EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT",
    "EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT",
    "EXCEED_MAX_CARD_INSTALLMENT_PLAN",
    "NOT_ALLOWED_POINT_USE",
    "NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT",
    "NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN",
    "RESTRICTED_TRANSFER_ACCOUNT",
    "NOT_AVAILABLE_PAYMENT",
    "FDS_ERROR",
    "NOT_FOUND_PAYMENT",
    "NOT_FOUND_PAYMENT_SESSION",
];

/// Without a code it was not the provider that answered, but something on the way to it.
pub(super) fn meaning(status: StatusCode, code: Option<&str>) -> Meaning {
    let Some(code) = code else { return Meaning::Passing };
    if OURS.contains(&code) || status == StatusCode::UNAUTHORIZED {
        return Meaning::Ours;
    }
    let passes =
        matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS);
    if passes || status.is_server_error() || PASSING.contains(&code) {
        Meaning::Passing
    } else if DECLINED.contains(&code) {
        Meaning::Declined
    } else {
        Meaning::Standing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_says_what_a_refusal_means_and_not_the_status() {
        for (status, code, expected) in [
            (400, Some("PROVIDER_ERROR"), Meaning::Passing),
            (400, Some("INVALID_REJECT_CARD"), Meaning::Declined),
            (400, Some("ALREADY_PROCESSED_PAYMENT"), Meaning::Standing),
            (400, Some("INVALID_API_KEY"), Meaning::Ours),
            (400, Some("SOMETHING_NEW"), Meaning::Standing),
            (401, Some("UNAUTHORIZED_KEY"), Meaning::Ours),
            (401, Some("SOMETHING_NEW"), Meaning::Ours),
            (403, Some("REJECT_CARD_PAYMENT"), Meaning::Declined),
            (403, Some("FORBIDDEN_CONSECUTIVE_REQUEST"), Meaning::Passing),
            (403, Some("FORBIDDEN_REQUEST"), Meaning::Ours),
            (403, Some("NOT_CANCELABLE_PAYMENT"), Meaning::Standing),
            (404, Some("NOT_FOUND_PAYMENT_SESSION"), Meaning::Declined),
            (409, Some("IDEMPOTENT_REQUEST_PROCESSING"), Meaning::Passing),
            (429, Some("SOMETHING_NEW"), Meaning::Passing),
            (500, Some("REJECT_CARD_PAYMENT"), Meaning::Passing),
            (404, None, Meaning::Passing),
            (403, None, Meaning::Passing),
            (302, None, Meaning::Passing),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(meaning(status, code), expected, "{status} {code:?}");
        }
    }

    #[test]
    fn no_code_means_two_things() {
        for code in DECLINED {
            assert!(!OURS.contains(&code) && !PASSING.contains(&code), "{code}");
        }
        assert!(OURS.iter().all(|code| !PASSING.contains(code)));
    }
}
