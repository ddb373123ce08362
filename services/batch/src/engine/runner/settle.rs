//! Writing to `batch_db` until it is written, or has become another's to write.

use std::future::Future;
use std::time::Duration;

use tokio::time::sleep;
use tracing::warn;

use crate::repository::fence::FenceError;

/// Between two attempts. Their end is that of the lease, which drops whoever waits here.
const PAUSE: Duration = Duration::from_millis(200);

/// Why something is not written, for good.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// Another has the execution.
    Lost,
    /// The database refuses it.
    Refused(sqlx::Error),
}

/// Does it until the database has answered.
pub(super) async fn settle<T, F, Fut>(what: &str, mut write: F) -> Result<T, Unwritten>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, FenceError>>,
{
    loop {
        match write().await {
            Ok(value) => return Ok(value),
            Err(FenceError::Lost) => return Err(Unwritten::Lost),
            Err(FenceError::Database(error)) if is_refusal(&error) => return Err(Unwritten::Refused(error)),
            Err(FenceError::Database(error)) => warn!("failed to {what}, once more: {error}"),
        }
        sleep(PAUSE).await;
    }
}

/// Whether trying again can only come to the same.
fn is_refusal(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(cause) => !cause.code().is_some_and(|code| is_passing(&code)),
        sqlx::Error::Encode(_)
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::TypeNotFound { .. } => true,
        _ => false,
    }
}

/// Connection exception, transaction rollback, insufficient resources, lock not available, operator intervention, system
/// error; and a session that the server ended because this process was frozen in a transaction.
fn is_passing(code: &str) -> bool {
    ["08", "40", "53", "55", "57", "58", "25P0"].iter().any(|class| code.starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_is_away_is_waited_for_and_a_lost_fence_is_not() {
        let mut answers =
            vec![Err(FenceError::Lost), Ok(7), Err(FenceError::Database(sqlx::Error::PoolTimedOut))];
        let mut next = || std::future::ready(answers.pop().expect("no more is asked"));
        assert!(matches!(settle("write", &mut next).await, Ok(7)));
        assert!(matches!(settle("write", &mut next).await, Err(Unwritten::Lost)));
    }

    #[test]
    fn a_session_that_ended_says_nothing_about_what_was_to_be_written() {
        for (code, passing) in [
            ("40001", true),
            ("40P01", true),
            ("55P03", true),
            ("57P01", true),
            ("57014", true),
            // A process that slept in a transaction, and woke.
            ("25P03", true),
            ("25006", false),
            ("22P05", false),
            ("23505", false),
            ("42P01", false),
        ] {
            assert_eq!(is_passing(code), passing, "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_written_is_not_tried_for_ever() {
        let refuse = || std::future::ready(Err::<(), _>(sqlx::Error::Encode("no".into()).into()));
        assert!(matches!(settle("write", refuse).await, Err(Unwritten::Refused(_))));
    }
}
