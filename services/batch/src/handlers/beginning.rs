//! The beginning of an id: everything between the lowest and the highest id that begin so.

use std::ops::RangeInclusive;

use chassis::ApiError;
use contract::code::ErrorCode;
use contract::text::Text;
use uuid::Uuid;

/// Ids that were made within a minute or so begin alike.
const LEAST_DIGITS: usize = 8;
const DIGITS: usize = 32;

/// # Errors
/// When it is not the beginning of an id as it is written.
pub(super) fn ids(text: Option<&str>) -> Result<Option<RangeInclusive<Uuid>>, ApiError> {
    text.map(|text| range(text).ok_or_else(wrong)).transpose()
}

fn range(text: &str) -> Option<RangeInclusive<Uuid>> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    if !(LEAST_DIGITS..=DIGITS).contains(&digits.len()) {
        return None;
    }
    let filled = |with: &str| Uuid::try_parse(&(digits.clone() + &with.repeat(DIGITS - digits.len()))).ok();
    Some(filled("0")?..=filled("f")?)
}

fn wrong() -> ApiError {
    let text = Text::new(
        "식별자의 앞부분을 16진수 8자리 이상 입력해야 합니다.",
        "This must be the beginning of an id, at least 8 of its hexadecimal digits.",
    );
    ApiError::new(ErrorCode::Validation).field("id", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_stands_for_all_ids_that_begin_so() {
        let ids = range("01931f0e-7").unwrap();
        assert_eq!(ids.start().to_string(), "01931f0e-7000-0000-0000-000000000000");
        assert_eq!(ids.end().to_string(), "01931f0e-7fff-ffff-ffff-ffffffffffff");
        let whole = range("01931F0E-7C5A-7000-8000-0123456789AB").unwrap();
        assert_eq!(whole.start(), whole.end());
        for text in ["", "01931f0", "order-expiry", "01931f0e-7c5a-7000-8000-0123456789ab0", "0193 1f0e"] {
            assert_eq!(range(text), None, "{text}");
        }
    }
}
