//! Waiting for a level, with a limit.

use std::fmt::Debug;
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// Between two looks: short enough to be invisible, long enough not to starve what is waited for.
const PAUSE: Duration = Duration::from_millis(10);

/// What a condition may answer: `bool`, or an `Option` or `Result` whose value is handed on.
pub trait Condition {
    type Output;

    /// The value, or why not yet.
    ///
    /// # Errors
    /// While it does not hold.
    fn met(self) -> Result<Self::Output, String>;
}

impl Condition for bool {
    type Output = ();

    fn met(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("it was false".to_owned()) }
    }
}

impl<T> Condition for Option<T> {
    type Output = T;

    fn met(self) -> Result<T, String> {
        self.ok_or_else(|| "it was None".to_owned())
    }
}

impl<T, E: Debug> Condition for Result<T, E> {
    type Output = T;

    fn met(self) -> Result<T, String> {
        self.map_err(|error| format!("it was Err({error:?})"))
    }
}

/// Asks again and again until `condition` holds, and hands on its value.
///
/// # Panics
/// After `limit`, naming the caller's line and the last answer; a single answer that hangs counts too.
#[track_caller]
pub fn eventually<F, Fut>(
    limit: Duration,
    mut condition: F,
) -> impl Future<Output = <Fut::Output as Condition>::Output>
where
    F: FnMut() -> Fut,
    Fut: Future,
    Fut::Output: Condition,
{
    let caller = Location::caller();
    async move {
        let deadline = Instant::now() + limit;
        let mut last = "it never answered".to_owned();
        loop {
            let answer = timeout_at(deadline, condition()).await.map(Condition::met);
            match answer.unwrap_or_else(|_elapsed| Err(format!("an answer that hangs; before that {last}"))) {
                Ok(value) => return value,
                Err(why) => last = why,
            }
            assert!(Instant::now() < deadline, "{caller}: not so within {limit:?}: {last}");
            sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_that_comes_true_hands_on_its_value() {
        let mut looks = 0;
        let value = eventually(Duration::from_secs(1), || {
            looks += 1;
            let looks = looks;
            async move { if looks < 4 { Err("too early") } else { Ok(looks) } }
        });
        assert_eq!(value.await, 4);
    }

    #[tokio::test]
    #[should_panic(expected = "not so within 30ms: it was Err(\"still down\")")]
    async fn a_condition_that_stays_false_panics_with_the_last_answer() {
        eventually(Duration::from_millis(30), || async { Err::<(), _>("still down") }).await;
    }

    #[tokio::test]
    #[should_panic(expected = "an answer that hangs")]
    async fn an_answer_that_hangs_is_bounded_too() {
        eventually(Duration::from_millis(30), std::future::pending::<bool>).await;
    }
}
