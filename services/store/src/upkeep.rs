//! What nobody asks for and has to be done all the same: rows that have served their time are taken away.
//!
//! Every instance tries; whoever gets the lock works, in short transactions of their own. Nothing breaks when nobody does
//! for days.

use std::time::Duration;

use chassis::{Platform, db, idempotency};
use metrics::{counter, gauge};
use rand::RngExt as _;
use sqlx::PgPool;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::repository::{bookmark, upkeep};

/// Between two rounds, a fifth more or less: instances that started together must not stay together.
const EVERY: Duration = Duration::from_mins(5);
const AFTER_ERROR: Duration = Duration::from_secs(30);
const JITTER: f64 = 0.2;
/// Rows that one transaction deletes: milliseconds of work.
const AT_ONCE: i64 = 1000;
/// Chunks of each kind in one round. What is left waits for the next one.
const CHUNKS: u32 = 200;

/// Deleted bookmarks are places for cursors that name them: for as long as a list may stay open.
pub const DELETED_BOOKMARKS: Duration = Duration::from_hours(30 * 24);

/// Which rows are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Old {
    Bookmarks,
    /// Answers that were kept for requests that come again.
    IdempotencyKeys,
}

impl Old {
    const ALL: [Self; 2] = [Self::Bookmarks, Self::IdempotencyKeys];

    const fn name(self) -> &'static str {
        match self {
            Self::Bookmarks => "bookmarks",
            Self::IdempotencyKeys => "idempotency_keys",
        }
    }
}

/// Counts what was deleted.
const DELETED: &str = "store_upkeep_deleted_total";
/// For how many seconds the oldest row has been due to go.
const OVERDUE: &str = "store_upkeep_overdue_seconds";

/// Keeps at it until the service stops.
pub fn start(platform: &Platform, db: PgPool) {
    platform.tasks().spawn_until_drain("upkeep", async move {
        let mut failing = false;
        loop {
            let pause = match round(&db).await {
                Ok(rows) => {
                    failing = false;
                    if rows > 0 {
                        info!(rows, "upkeep deleted {rows} rows");
                    }
                    EVERY
                }
                Err(error) => {
                    if !failing {
                        warn!("upkeep waits: {error}");
                    }
                    failing = true;
                    AFTER_ERROR
                }
            };
            let jitter = rand::rng().random_range(-JITTER..JITTER);
            sleep(pause.mul_f64(1.0 + jitter)).await;
        }
    });
}

/// Does what is due, unless another instance is at it, measures what is left, and says how many rows it deleted.
///
/// # Errors
/// When the database does not answer. What is done stays done.
pub async fn round(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let worked = work(pool).await;
    // Also when the work failed: then it matters most.
    let measured = measure(pool).await;
    worked.and_then(|rows| measured.map(|()| rows))
}

async fn work(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let mut rows = 0;
    for old in Old::ALL {
        for _ in 0..CHUNKS {
            let mut tx = db::transaction(pool).await?;
            if !upkeep::try_lock(&mut tx).await? {
                return Ok(rows);
            }
            let deleted = match old {
                Old::Bookmarks => bookmark::purge(&mut tx, DELETED_BOOKMARKS, AT_ONCE).await?,
                Old::IdempotencyKeys => idempotency::purge(&mut tx, AT_ONCE).await?,
            };
            tx.commit().await?;
            counter!(DELETED, "what" => old.name()).increment(deleted);
            rows += deleted;
            if deleted < AT_ONCE.unsigned_abs() {
                break;
            }
        }
    }
    Ok(rows)
}

async fn measure(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut db = pool.acquire().await?;
    for old in Old::ALL {
        let seconds = match old {
            Old::Bookmarks => bookmark::overdue(&mut db, DELETED_BOOKMARKS).await?,
            Old::IdempotencyKeys => upkeep::overdue_keys(&mut db).await?,
        };
        gauge!(OVERDUE, "what" => old.name()).set(seconds);
    }
    Ok(())
}
