//! What an attempt says about the instance that was asked, and whether another one may be made. Pure.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;

use super::error::CallError;

/// What the breaker and the balancer learn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Success,
    Failure {
        cause: Cow<'static, str>,
        retry_after: Option<Duration>,
    },
    /// A failure before anything was sent.
    Unreachable,
    /// No answer within a time that the instance can be blamed for.
    TooSlow,
    /// Says nothing about the instance.
    Neither {
        cause: &'static str,
    },
}

/// Judges an attempt that could take `granted` of the `limit` that the call site sets.
///
/// A refusal of ours (4xx) is a success of theirs. Running out of time is their failure only if they had at
/// least half of the limit: a request that arrives here with its budget nearly spent must not cut off a healthy
/// instance.
pub(super) fn judge<A>(result: &Result<A, CallError>, granted: Duration, limit: Duration) -> Verdict {
    let blamed = granted >= limit / 2;
    match result {
        Ok(_) => Verdict::Success,
        Err(error) => match error {
            CallError::Refused { status: StatusCode::GATEWAY_TIMEOUT, .. } if !blamed => {
                Verdict::Neither { cause: "too little time was left" }
            }
            CallError::Refused { status, retry_after, .. } if is_failure(*status) => Verdict::Failure {
                cause: format!("status {}", status.as_u16()).into(),
                retry_after: *retry_after,
            },
            CallError::Refused { .. } => Verdict::Success,
            CallError::Timeout { .. } if blamed => Verdict::TooSlow,
            CallError::Timeout { .. } => Verdict::Neither { cause: "too little time was left" },
            CallError::Unreachable { .. } => Verdict::Unreachable,
            CallError::Cut { .. } => {
                Verdict::Failure { cause: "the connection broke".into(), retry_after: None }
            }
            CallError::BrokenAnswer { .. } => {
                Verdict::Failure { cause: "not what was agreed".into(), retry_after: None }
            }
            CallError::NoInstance { .. }
            | CallError::Open { .. }
            | CallError::Busy { .. }
            | CallError::Request { .. } => Verdict::Neither { cause: "nothing was sent" },
        },
    }
}

/// 429 among services is overload, not the caller's mistake.
fn is_failure(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Whether the same request can go out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    No,
    /// Only to another instance: this one would say the same.
    Elsewhere,
    /// To another instance if there is one, else to this one after a pause.
    Anywhere,
}

/// `repeatable`: sending the request twice does what sending it once does.
///
/// A service that says when to come back is busy: asking again at once would be more of what it cannot take. Our
/// services always say so with a 503, also when it was their own callee that failed; so only the layer next to
/// the failure repeats.
pub(super) fn again(error: &CallError, repeatable: bool) -> Again {
    match error {
        // Nothing was sent.
        CallError::Unreachable { .. } => Again::Elsewhere,
        CallError::Cut { .. }
        | CallError::Refused {
            status: StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE,
            retry_after: None,
            ..
        } if repeatable => Again::Anywhere,
        CallError::Cut { .. }
        | CallError::Refused { .. }
        | CallError::Timeout { .. }
        | CallError::BrokenAnswer { .. }
        | CallError::NoInstance { .. }
        | CallError::Open { .. }
        | CallError::Busy { .. }
        | CallError::Request { .. } => Again::No,
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Edge;
    use super::*;

    const EDGE: Edge = Edge { caller: "a", callee: "b" };
    const LIMIT: Duration = Duration::from_secs(1);

    fn refused(status: u16, retry_after: Option<u64>) -> CallError {
        CallError::Refused {
            edge: EDGE,
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: retry_after.map(Duration::from_secs),
            problem: None,
        }
    }

    fn verdict(error: CallError, granted: Duration) -> Verdict {
        judge(&Err::<(), _>(error), granted, LIMIT)
    }

    #[test]
    fn the_callers_mistakes_are_not_the_callees_failures() {
        for status in [400, 401, 403, 404, 409, 422] {
            assert_eq!(verdict(refused(status, None), LIMIT), Verdict::Success, "{status}");
        }
        for status in [429, 500, 502, 503, 504] {
            assert!(matches!(verdict(refused(status, None), LIMIT), Verdict::Failure { .. }), "{status}");
        }
        let hint = verdict(refused(503, Some(2)), LIMIT);
        let expected = Duration::from_secs(2);
        assert_eq!(hint, Verdict::Failure { cause: "status 503".into(), retry_after: Some(expected) });
    }

    #[test]
    fn nobody_is_blamed_for_a_deadline_that_was_too_short() {
        let timeout = || CallError::Timeout { edge: EDGE };
        assert_eq!(verdict(timeout(), LIMIT / 2), Verdict::TooSlow);
        for error in [timeout(), refused(504, None)] {
            assert!(matches!(verdict(error, LIMIT / 3), Verdict::Neither { .. }));
        }
    }

    #[test]
    fn only_what_may_help_and_cannot_hurt_is_repeated() {
        let cut = || CallError::BrokenAnswer { edge: EDGE, source: "not JSON".into() };
        for (error, repeatable, expected) in [
            (refused(503, None), true, Again::Anywhere),
            (refused(502, None), true, Again::Anywhere),
            (refused(503, None), false, Again::No),
            (refused(503, Some(1)), true, Again::No),
            (refused(429, Some(1)), true, Again::No),
            (refused(500, None), true, Again::No),
            (refused(504, None), true, Again::No),
            (refused(404, None), true, Again::No),
            (CallError::Timeout { edge: EDGE }, true, Again::No),
            (cut(), true, Again::No),
            (CallError::Open { edge: EDGE, retry_after: LIMIT }, true, Again::No),
        ] {
            assert_eq!(again(&error, repeatable), expected, "{error:?}, repeatable {repeatable}");
        }
    }
}
