//! What a means of payment makes happen.

/// Chosen by the token of an authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    Approve,
    Decline {
        code: &'static str,
    },
    /// Booked at once, answered late.
    Slow,
    /// Booked, then the connection breaks. Whoever asks again is answered.
    LoseAnswer,
    /// The webhook comes three times.
    RepeatWebhook,
    /// Decided later; an older webhook comes after the newer one.
    DecideLate,
    /// Not there for authorisations, and for nothing else.
    Down,
}

impl Behaviour {
    pub fn of(token: &str) -> Self {
        match token {
            "tok_approve" => Self::Approve,
            "tok_decline" => Self::Decline { code: "CARD_DECLINED" },
            "tok_slow" => Self::Slow,
            "tok_lost_answer" => Self::LoseAnswer,
            "tok_dup_webhook" => Self::RepeatWebhook,
            "tok_late_webhook" => Self::DecideLate,
            "tok_down" => Self::Down,
            _ => Self::Decline { code: "INVALID_TOKEN" },
        }
    }

    /// Why it says no.
    pub const fn decline_code(self) -> Option<&'static str> {
        match self {
            Self::Decline { code } => Some(code),
            Self::Approve
            | Self::Slow
            | Self::LoseAnswer
            | Self::RepeatWebhook
            | Self::DecideLate
            | Self::Down => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_nobody_knows_is_declined() {
        for token in ["", "tok_", "TOK_APPROVE", "4111111111111111"] {
            assert_eq!(Behaviour::of(token).decline_code(), Some("INVALID_TOKEN"), "{token}");
        }
        assert_eq!(Behaviour::of("tok_approve").decline_code(), None);
    }
}
