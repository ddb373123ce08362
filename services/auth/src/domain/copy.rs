//! What a change of auth's copy of a user does to the tokens that are out.

use contract::auth::RevocationReason;
use contract::user::{Role, UserStatus};

/// What tokens say about a user, or are given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing<'a> {
    pub email: &'a str,
    pub role: Role,
    pub status: UserStatus,
}

/// What has to happen along with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    Nothing,
    /// Access tokens that are out say something that is not true any more. Sessions live on: a refresh gives
    /// tokens that are right.
    Reissue(RevocationReason),
    /// The user is out: no token and no session is good any more.
    Lockout,
}

/// Compares what was with what is, not which event told of it: user may have been asked before its event came.
pub fn consequence(before: Standing<'_>, after: Standing<'_>) -> Consequence {
    if after.status != UserStatus::Active {
        let was_out = before.status != UserStatus::Active;
        return if was_out { Consequence::Nothing } else { Consequence::Lockout };
    }
    if before.role != after.role {
        Consequence::Reissue(RevocationReason::Role)
    } else if before.email != after.email {
        Consequence::Reissue(RevocationReason::Email)
    } else {
        Consequence::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Standing<'static> =
        Standing { email: "mina@example.com", role: Role::User, status: UserStatus::Active };

    #[test]
    fn whoever_is_suspended_or_leaves_is_out_at_once() {
        for status in [UserStatus::Suspended, UserStatus::Inactive] {
            let out = Standing { status, ..USER };
            assert_eq!(consequence(USER, out), Consequence::Lockout);
            assert_eq!(consequence(USER, Standing { role: Role::Admin, ..out }), Consequence::Lockout);
            assert_eq!(consequence(out, out), Consequence::Nothing, "out already");
            assert_eq!(consequence(out, USER), Consequence::Nothing, "back: there are no tokens to revoke");
        }
    }

    #[test]
    fn tokens_that_say_what_is_not_true_any_more_are_issued_anew() {
        let admin = Standing { role: Role::Admin, ..USER };
        for (before, after, expected) in [
            (USER, USER, Consequence::Nothing),
            (USER, admin, Consequence::Reissue(RevocationReason::Role)),
            (admin, USER, Consequence::Reissue(RevocationReason::Role)),
            (
                USER,
                Standing { email: "new@example.com", ..USER },
                Consequence::Reissue(RevocationReason::Email),
            ),
        ] {
            assert_eq!(consequence(before, after), expected, "{before:?} {after:?}");
        }
    }
}
