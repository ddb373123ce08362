//! When a chunk that came to nothing is tried again.

use std::time::Duration;

use rand::Rng;
use resilience::retry::Backoff;

/// The pauses grow from half a second to half a minute: a restart of the service that is asked takes seconds, and
/// nothing waits for a batch. Half of a pause is drawn at random.
const BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(500), max: Duration::from_secs(30), jitter: 0.5 };

/// What is known when a chunk has come to nothing.
#[derive(Debug, Clone, Copy)]
pub struct Failing {
    /// 1, 2, 3 …
    pub attempts: u32,
    /// Since its first attempt failed.
    pub since: Duration,
    /// How long it is tried again before its step fails.
    pub patience: Duration,
    /// What whoever was asked wants us to wait.
    pub retry_after: Option<Duration>,
}

/// How long to wait before the next attempt; none when it is the end of patience. The last attempt is made when patience
/// ends, whatever pause was asked for.
pub fn pause(failing: Failing, rng: &mut impl Rng) -> Option<Duration> {
    let left = failing.patience.checked_sub(failing.since).filter(|left| !left.is_zero())?;
    let wanted = BACKOFF.delay(failing.attempts, rng).max(failing.retry_after.unwrap_or_default());
    Some(wanted.min(left))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn failing(attempts: u32, since: u64, patience: u64, retry_after: Option<u64>) -> Failing {
        Failing {
            attempts,
            since: Duration::from_millis(since),
            patience: Duration::from_millis(patience),
            retry_after: retry_after.map(Duration::from_millis),
        }
    }

    #[test]
    fn patience_bounds_every_pause_and_ends() {
        let table = [
            (failing(1, 0, 0, None), None),
            (failing(1, 600, 600, None), None),
            (failing(9, 700, 600, None), None),
            (failing(9, 590, 600, None), Some(10 * MS)),
            (failing(1, 0, 60_000, Some(20_000)), Some(20_000 * MS)),
            // Whoever asks for more than there is gets one more attempt, at the end.
            (failing(1, 0, 60_000, Some(3_600_000)), Some(60_000 * MS)),
        ];
        let mut rng = StdRng::seed_from_u64(1);
        for (failing, expected) in table {
            assert_eq!(pause(failing, &mut rng), expected, "{failing:?}");
        }
    }

    proptest! {
        #[test]
        fn pauses_stay_within_their_bounds_and_patience_is_used_up(seed: u64, patience_secs in 1_u64..1200) {
            let mut rng = StdRng::seed_from_u64(seed);
            let patience = Duration::from_secs(patience_secs);
            let (mut since, mut attempts) = (Duration::ZERO, 1);
            while let Some(wait) = pause(Failing { attempts, since, patience, retry_after: None }, &mut rng) {
                prop_assert!(wait <= BACKOFF.max);
                prop_assert!(wait >= BACKOFF.base / 2 || since + wait == patience);
                since += wait;
                attempts += 1;
                // 30 s halved at most: 20 min are over after 80 long pauses and a few short ones.
                prop_assert!(attempts < 100);
            }
            prop_assert_eq!(since, patience);
        }
    }
}
