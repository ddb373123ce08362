//! What a presented refresh token is worth.

use chrono::{DateTime, TimeDelta, Utc};
use contract::user::UserStatus;

/// Two tabs of one browser refresh at the same moment, and answers get lost: for so long after a token was
/// exchanged, it is answered with the same successor again (api.md, `/refresh`).
pub const GRACE: TimeDelta = TimeDelta::seconds(10);

/// A refresh token with its session, as stored.
#[derive(Debug, Clone, Copy)]
pub struct Presented {
    pub expires_at: DateTime<Utc>,
    pub rotated_at: Option<DateTime<Utc>>,
    pub session_ended: bool,
    pub status: UserStatus,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Exchange it for its successor.
    Rotate,
    /// It was exchanged a moment ago: the same successor again.
    Repeat,
    /// It was exchanged long ago: somebody has a copy. The whole family ends.
    Reuse,
    Expired,
    /// The session was ended, or its user may not log in any more.
    Ended,
}

/// Judges by one clock, the database's.
pub fn judge(token: &Presented, now: DateTime<Utc>) -> Verdict {
    if token.session_ended || token.status != UserStatus::Active {
        return Verdict::Ended;
    }
    match token.rotated_at {
        Some(rotated_at) if now - rotated_at <= GRACE => Verdict::Repeat,
        Some(_) => Verdict::Reuse,
        None if token.expires_at <= now => Verdict::Expired,
        None => Verdict::Rotate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn ago(seconds: i64) -> DateTime<Utc> {
        now() - TimeDelta::seconds(seconds)
    }

    const fn token(expires_at: DateTime<Utc>, rotated_at: Option<DateTime<Utc>>) -> Presented {
        Presented { expires_at, rotated_at, session_ended: false, status: UserStatus::Active }
    }

    #[test]
    fn a_token_is_exchanged_once_and_repeats_for_ten_seconds() {
        for (presented, expected) in [
            (token(ago(-60), None), Verdict::Rotate),
            (token(now(), None), Verdict::Expired),
            (token(ago(-60), Some(now())), Verdict::Repeat),
            (token(ago(-60), Some(ago(10))), Verdict::Repeat),
            (token(ago(-60), Some(ago(11))), Verdict::Reuse),
            (token(ago(1), Some(ago(11))), Verdict::Reuse),
        ] {
            assert_eq!(judge(&presented, now()), expected, "{presented:?}");
        }
    }

    #[test]
    fn nothing_comes_back_to_life_once_its_session_or_its_user_is_out() {
        for rotated_at in [None, Some(now()), Some(ago(99))] {
            let presented = token(ago(-60), rotated_at);
            let ended = Presented { session_ended: true, ..presented };
            assert_eq!(judge(&ended, now()), Verdict::Ended);
            for status in [UserStatus::Inactive, UserStatus::Suspended] {
                assert_eq!(judge(&Presented { status, ..presented }, now()), Verdict::Ended);
            }
        }
    }
}
