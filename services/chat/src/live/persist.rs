//! Questions to the database that are asked again while it is away: a stream outlives that.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::repository::live::{Bounds, Page, Wanted, pages};

/// For one attempt. The database itself ends a statement after 10 s; this is for one that says nothing at all.
const LIMIT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// So many attempts come quickly: after a restart of the database each connection of the pool is found to be dead by
/// one of them.
const QUICK: u32 = 6;
/// A database that is back is used again so soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Something that can be asked again. A trait, because the compiler does not see that an async closure over a borrowed
/// connection may move between threads.
pub(super) trait Question: Sync {
    type Answer: Send;

    fn ask(&self, db: &mut PgConnection) -> impl Future<Output = Result<Self::Answer, sqlx::Error>> + Send;
}

/// Pieces of rooms.
pub(super) struct Reading<'a> {
    pub(super) wanted: &'a [Wanted],
    pub(super) bounds: Bounds,
}

impl Question for Reading<'_> {
    type Answer = Vec<Page>;

    async fn ask(&self, db: &mut PgConnection) -> Result<Vec<Page>, sqlx::Error> {
        pages(db, self.wanted, self.bounds).await
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database is not there: nobody gets an answer now.
    Away(sqlx::Error),
    /// It is there, and does not answer this question, or not in time.
    Refused(sqlx::Error),
}

impl Failure {
    fn of(error: sqlx::Error) -> Self {
        if is_away(&error) { Self::Away(error) } else { Self::Refused(error) }
    }
}

/// Whether asking again is likely to help, whatever was asked.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // Connections, conflicts, resources, and a server that stops; not a statement that was over its time.
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| ["08", "40", "53", "57P"].iter().any(|class| code.starts_with(class))),
        _ => false,
    }
}

/// Asks while the database is away.
///
/// # Errors
/// When it is there and does not answer this question.
pub(super) async fn persistently<Q: Question>(
    what: &str,
    db: &PgPool,
    question: &Q,
) -> Result<Q::Answer, sqlx::Error> {
    let mut pause = FIRST_PAUSE;
    let (mut told, mut quick) = (false, QUICK);
    loop {
        match once(db, question).await {
            Ok(answer) => {
                if told {
                    info!("{what} works again");
                }
                return Ok(answer);
            }
            Err(Failure::Refused(error)) => return Err(error),
            Err(Failure::Away(error)) if !told => {
                told = true;
                warn!("{what} failed, trying on: {error}");
            }
            Err(Failure::Away(_)) => {}
        }
        sleep(pause).await;
        match quick.checked_sub(1) {
            Some(left) => quick = left,
            None => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

/// Asks once, within a limit.
///
/// # Errors
/// When there is no answer.
pub(super) async fn once<Q: Question>(db: &PgPool, question: &Q) -> Result<Q::Answer, Failure> {
    let mut connection = db.acquire().await.map_err(Failure::Away)?;
    if let Ok(answer) = timeout(LIMIT, question.ask(&mut connection)).await {
        return answer.map_err(Failure::of);
    }
    // Whatever comes on it now would be the answer to an older question.
    connection.close_on_drop();
    Err(Failure::Refused(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}
