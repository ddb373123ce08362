//! What is wrong with a request.

use contract::text::Text;

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub field: &'static str,
    pub text: Text,
}

impl Violation {
    pub const fn new(field: &'static str, ko: &'static str, en: &'static str) -> Self {
        Self { field, text: Text::new(ko, en) }
    }
}
