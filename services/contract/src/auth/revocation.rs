//! Tokens that are dead before their time.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{SessionId, UserId};

/// Why tokens stopped being valid before their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RevocationReason {
    Logout,
    /// A refresh token was used again long after it had been exchanged.
    Reuse,
    /// The user was suspended or has left.
    Status,
    /// Tokens carry the role, and it is another one now.
    Role,
    /// Tokens carry the e-mail address, and it is another one now.
    Email,
    /// A reason of a newer auth: the tokens are dead whatever it is.
    #[serde(other)]
    Other,
}

/// Some tokens of a user are dead before their time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenRevoked {
    pub sub: UserId,
    /// Every token of this session is dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// Without `sid`: every token of the user that was issued before this, a whole second, is dead. The user's
    /// sessions may live on.
    #[serde(default, with = "crate::time::micros_option", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub not_before: Option<DateTime<Utc>>,
    /// Readers accept reasons that they do not know.
    #[schemars(with = "String", extend("examples" = ["LOGOUT", "REUSE", "STATUS", "ROLE", "EMAIL"]))]
    pub reason: RevocationReason,
}

/// Which tokens a revocation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedTokens {
    OfSession(SessionId),
    /// Of the user, with an `iat` below this many seconds since 1970.
    IssuedBefore(i64),
}

impl TokenRevoked {
    pub const fn session(sub: UserId, sid: SessionId, reason: RevocationReason) -> Self {
        Self { sub, sid: Some(sid), not_before: None, reason }
    }

    pub const fn issued_before(sub: UserId, not_before: DateTime<Utc>, reason: RevocationReason) -> Self {
        Self { sub, sid: None, not_before: Some(not_before), reason }
    }

    /// `None` when it names neither a session nor a time, which no auth publishes.
    pub fn tokens(&self) -> Option<RevokedTokens> {
        match (self.sid, self.not_before) {
            (Some(sid), _) => Some(RevokedTokens::OfSession(sid)),
            (None, Some(not_before)) => Some(RevokedTokens::IssuedBefore(not_before.timestamp())),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_of_a_newer_auth_is_no_obstacle() {
        for (word, reason) in [
            ("LOGOUT", RevocationReason::Logout),
            ("ROLE", RevocationReason::Role),
            ("THE_MOON_IS_FULL", RevocationReason::Other),
        ] {
            assert_eq!(serde_json::from_value::<RevocationReason>(word.into()).unwrap(), reason);
        }
    }

    #[test]
    fn a_session_is_named_or_a_time() {
        let (sub, sid) = (uuid::Uuid::nil().into(), uuid::Uuid::nil().into());
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let session = TokenRevoked::session(sub, sid, RevocationReason::Logout);
        assert_eq!(session.tokens(), Some(RevokedTokens::OfSession(sid)));
        let subject = TokenRevoked::issued_before(sub, at, RevocationReason::Status);
        assert_eq!(subject.tokens(), Some(RevokedTokens::IssuedBefore(1_700_000_000)));
        assert_eq!(TokenRevoked { not_before: None, ..subject }.tokens(), None);
    }
}
