//! Whether to ask again, and when. No clock: times come in.

use std::time::Duration;

use super::scenario::Patience;

/// What an attempt led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// A check failed, or nothing usable came back.
    Failed,
    /// Refused by a rate limit that says when to come again.
    Throttled {
        retry_after: Duration,
    },
}

/// Times of a step so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    /// Since the step's first attempt began, without the waits for a rate limit.
    pub asking: Duration,
    /// Until the whole run must be over.
    pub left: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Pass,
    Fail,
    /// Wait so long, then ask again.
    Again(Duration),
}

/// A rate limit is waited out whatever the step's patience: the request was not handled, so sending it again is
/// safe for any method. Everything else is asked again only as `eventually` says.
pub(crate) fn next(outcome: Outcome, patience: Option<Patience>, spent: Spent) -> Next {
    match (outcome, patience) {
        (Outcome::Passed, _) => Next::Pass,
        (Outcome::Throttled { retry_after }, _) if retry_after < spent.left => Next::Again(retry_after),
        (Outcome::Failed, Some(Patience { within, every })) if spent.asking + every <= within => {
            Next::Again(every)
        }
        (Outcome::Failed | Outcome::Throttled { .. }, _) => Next::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn only_patience_and_rate_limits_lead_to_another_attempt() {
        let patient = Some(Patience { within: ms(1_000), every: ms(100) });
        let throttled = Outcome::Throttled { retry_after: ms(2_000) };
        for (outcome, patience, asking, left, expected) in [
            (Outcome::Passed, None, 0, 10, Next::Pass),
            (Outcome::Passed, patient, 5_000, 0, Next::Pass),
            (Outcome::Failed, None, 0, 60_000, Next::Fail),
            (Outcome::Failed, patient, 0, 60_000, Next::Again(ms(100))),
            (Outcome::Failed, patient, 900, 60_000, Next::Again(ms(100))),
            (Outcome::Failed, patient, 901, 60_000, Next::Fail),
            (throttled, None, 0, 60_000, Next::Again(ms(2_000))),
            (throttled, patient, 900, 60_000, Next::Again(ms(2_000))),
            (throttled, None, 0, 2_000, Next::Fail),
            (throttled, patient, 0, 1_999, Next::Fail),
        ] {
            let spent = Spent { asking: ms(asking), left: ms(left) };
            assert_eq!(next(outcome, patience, spent), expected, "{outcome:?} {patience:?} {spent:?}");
        }
    }
}
