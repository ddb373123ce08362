//! What can be wrong with what somebody typed in.

use contract::code::ErrorCode;
use contract::text::Text;

/// One broken rule of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// The field's name on the wire.
    pub field: &'static str,
    pub rule: Rule,
}

/// The rules a field can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Required,
    /// At most this many characters.
    TooLong(usize),
    NotAnEmail,
    WeakPassword,
}

impl Violation {
    pub const fn new(field: &'static str, rule: Rule) -> Self {
        Self { field, rule }
    }
}

impl Rule {
    /// The rule for people.
    pub fn text(self) -> Text {
        match self {
            Self::Required => Text::new("필수 입력값입니다.", "This is required."),
            Self::TooLong(limit) => Text::owned(
                format!("{limit}자 이하로 입력해 주세요."),
                format!("This must have at most {limit} characters."),
            ),
            Self::NotAnEmail => Text::new("올바른 이메일 주소가 아닙니다.", "This is not an email address."),
            Self::WeakPassword => ErrorCode::WeakPassword.text(),
        }
    }
}
