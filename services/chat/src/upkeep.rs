//! What nobody asks for and has to be done all the same: months for messages to come, and rows that have served their time
//! taken away.
//!
//! Every instance tries; whoever gets the lock works, in short transactions of their own. Nothing breaks when nobody does
//! for days: messages without a month go to the default partition.

use std::time::Duration;

use chassis::{Platform, db};
use chrono::Utc;
use metrics::{counter, gauge};
use rand::RngExt as _;
use sqlx::PgPool;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::domain::retention::{DELIVERED_TURNS, MESSAGE_KEYS, Month};
use crate::repository::partition;
use crate::repository::upkeep::{self, Old};

/// Between two rounds, a fifth more or less: instances that started together must not stay together.
const EVERY: Duration = Duration::from_mins(5);
const AFTER_ERROR: Duration = Duration::from_secs(30);
const JITTER: f64 = 0.2;
/// Rows that one transaction deletes: milliseconds of work.
const AT_ONCE: i64 = 1000;
/// Chunks of each kind in one round. What is left waits for the next one.
const CHUNKS: u32 = 200;

/// Counts what was deleted.
const DELETED: &str = "chat_upkeep_deleted_total";
/// For how many seconds the oldest row has been due to go.
const OVERDUE: &str = "chat_upkeep_overdue_seconds";
/// Months behind this one that have a partition.
const MONTHS: &str = "chat_message_partitions_ahead";

/// What goes, and how long after the moment that counts for it.
const OLD: [(Old, &str, Duration); 3] = [
    (Old::Tickets, "tickets", Duration::ZERO),
    (Old::Turns, "turns", DELIVERED_TURNS),
    (Old::MessageKeys, "message_keys", MESSAGE_KEYS),
];

/// What a round has done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Partitions made.
    pub months: usize,
    /// Rows deleted.
    pub rows: u64,
}

/// Keeps at it until the service stops.
pub fn start(platform: &Platform, db: PgPool) {
    platform.tasks().spawn_until_drain("upkeep", async move {
        let mut failing = false;
        loop {
            let pause = match round(&db).await {
                Ok(done) => {
                    failing = false;
                    if done != Done::default() {
                        let Done { months, rows } = done;
                        info!(months, rows, "upkeep made {months} months and deleted {rows} rows");
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

/// Does what is due, unless another instance is at it, and measures what is left.
///
/// # Errors
/// When the database does not answer, or a lock is not to be had. What is done stays done.
pub async fn round(pool: &PgPool) -> Result<Done, sqlx::Error> {
    let worked = work(pool).await;
    // Also when the work failed: then it matters most.
    let measured = measure(pool).await;
    worked.and_then(|done| measured.map(|()| done))
}

async fn work(pool: &PgPool) -> Result<Done, sqlx::Error> {
    let mut done = Done::default();
    let mut months: Vec<Month> = Month::needed(Utc::now()).collect();
    for day in partition::homeless(&mut *pool.acquire().await?).await? {
        months.push(Month::containing(day));
    }
    for month in months {
        let mut tx = db::transaction(pool).await?;
        if !upkeep::try_lock(&mut tx).await? {
            return Ok(done);
        }
        done.months += usize::from(partition::create(&mut tx, month).await?);
        tx.commit().await?;
    }
    for (old, name, age) in OLD {
        for _ in 0..CHUNKS {
            let mut tx = db::transaction(pool).await?;
            if !upkeep::try_lock(&mut tx).await? {
                return Ok(done);
            }
            let deleted = upkeep::delete(&mut tx, old, age, AT_ONCE).await?;
            tx.commit().await?;
            counter!(DELETED, "what" => name).increment(deleted);
            done.rows += deleted;
            if deleted < AT_ONCE.unsigned_abs() {
                break;
            }
        }
    }
    Ok(done)
}

async fn measure(db: &PgPool) -> Result<(), sqlx::Error> {
    let mut db = db.acquire().await?;
    for (old, name, age) in OLD {
        gauge!(OVERDUE, "what" => name).set(upkeep::overdue(&mut db, old, age).await?);
    }
    let this_month = Month::of(Utc::now()).to_string();
    let months = partition::list(&mut db).await?;
    let ahead = months.iter().filter(|partition| partition.month > this_month).count();
    gauge!(MONTHS).set(u32::try_from(ahead).unwrap_or(u32::MAX));
    Ok(())
}
