//! What nobody asks for and has to be done all the same: months for messages to come, and rows that have served their time
//! taken away. Nothing breaks when nobody does it for days: messages without a month go to the default partition.

use chassis::upkeep::{self, Upkeep};
use chassis::{Platform, db};
use chrono::Utc;
use metrics::gauge;
use sqlx::PgPool;
use tracing::info;

use crate::domain::retention::Month;
use crate::repository::partition;
use crate::repository::upkeep::Old;

/// Months behind this one that have a partition.
const MONTHS: &str = "chat_message_partitions_ahead";

const ROWS: Upkeep<Old> =
    Upkeep::new("chat", &[Old::Tickets, Old::Turns, Old::MessageKeys, Old::IdempotencyKeys]);

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
    upkeep::keep(platform, move || {
        let db = db.clone();
        async move { round(&db).await }
    });
}

/// Does what is due, unless another instance is at it, and measures what is left.
///
/// # Errors
/// When the database does not answer, or a lock is not to be had. What is done stays done.
pub async fn round(pool: &PgPool) -> Result<Done, sqlx::Error> {
    let made = make_months(pool).await;
    // Also when making months failed: what is measured then matters most.
    let rows = ROWS.round(pool).await;
    let measured = measure(pool).await;
    let done = Done { months: made?, rows: rows? };
    measured.map(|()| done)
}

async fn make_months(pool: &PgPool) -> Result<usize, sqlx::Error> {
    let mut made = 0;
    let mut months: Vec<Month> = Month::needed(Utc::now()).collect();
    for day in partition::homeless(&mut *pool.acquire().await?).await? {
        months.push(Month::containing(day));
    }
    for month in months {
        let mut tx = db::transaction(pool).await?;
        if !ROWS.try_lock(&mut tx).await? {
            break;
        }
        made += usize::from(partition::create(&mut tx, month).await?);
        tx.commit().await?;
    }
    if made > 0 {
        info!(months = made, "upkeep made {made} months");
    }
    Ok(made)
}

async fn measure(db: &PgPool) -> Result<(), sqlx::Error> {
    let this_month = Month::of(Utc::now()).to_string();
    let months = partition::list(&mut *db.acquire().await?).await?;
    let ahead = months.iter().filter(|partition| partition.month > this_month).count();
    gauge!(MONTHS).set(u32::try_from(ahead).unwrap_or(u32::MAX));
    Ok(())
}
