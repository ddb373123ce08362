//! What nobody asks for and has to be done all the same: rows that have served their time are taken away.
//!
//! Every instance tries; whoever gets the lock works, in short transactions of their own. Nothing breaks when nobody does
//! for days.

use std::time::Duration;

use metrics::{counter, gauge};
use rand::RngExt as _;
use sqlx::{PgConnection, PgPool};
use tokio::time::sleep;
use tracing::{info, warn};

use crate::platform::Platform;
use crate::{db, idempotency};

/// Between two rounds, a fifth more or less: instances that started together must not stay together.
const EVERY: Duration = Duration::from_mins(5);
const AFTER_ERROR: Duration = Duration::from_secs(30);
const JITTER: f64 = 0.2;
/// Chunks of each kind in one round. What is left waits for the next one.
const CHUNKS: u32 = 200;

/// Kinds of rows that go when they are old.
pub trait Old: Copy + Send + Sync + 'static {
    /// The kind in metrics, e.g. `idempotency_keys`.
    fn name(self) -> &'static str;

    /// Rows that one transaction deletes: milliseconds of work.
    fn at_once(self) -> i64 {
        1000
    }

    /// Deletes up to `limit` rows, oldest first, and says how many there were.
    fn delete(
        self,
        db: &mut PgConnection,
        limit: i64,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// For how many seconds the oldest row has been due to go, 0 when none is; none if that cannot be asked cheaply.
    fn overdue(self, db: &mut PgConnection) -> impl Future<Output = Result<Option<f64>, sqlx::Error>> + Send;
}

/// All that is old in a service which keeps nothing else for a time: answers for requests that come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyKeys;

impl Old for IdempotencyKeys {
    fn name(self) -> &'static str {
        "idempotency_keys"
    }

    async fn delete(self, db: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
        idempotency::purge(db, limit).await
    }

    async fn overdue(self, db: &mut PgConnection) -> Result<Option<f64>, sqlx::Error> {
        idempotency::overdue(db).await.map(Some)
    }
}

/// What a service cleans up.
#[derive(Debug, Clone, Copy)]
pub struct Upkeep<O: 'static> {
    /// Part of the names of its metrics, `<service>_upkeep_deleted_total{what}` and
    /// `<service>_upkeep_overdue_seconds{what}`, and of its lock.
    service: &'static str,
    kinds: &'static [O],
}

impl<O: Old> Upkeep<O> {
    pub const fn new(service: &'static str, kinds: &'static [O]) -> Self {
        Self { service, kinds }
    }

    /// Keeps at it until the service stops.
    pub fn start(self, platform: &Platform, pool: PgPool) {
        keep(platform, move || {
            let pool = pool.clone();
            async move { self.round(&pool).await }
        });
    }

    /// Does what is due, unless another instance is at it, measures what is left, and says how many rows it deleted.
    ///
    /// # Errors
    /// When the database does not answer. What is done stays done.
    pub async fn round(self, pool: &PgPool) -> Result<u64, sqlx::Error> {
        let worked = self.work(pool).await;
        // Also when the work failed: then it matters most.
        let measured = self.measure(pool).await;
        worked.and_then(|rows| measured.map(|()| rows))
    }

    async fn work(self, pool: &PgPool) -> Result<u64, sqlx::Error> {
        let mut rows = 0;
        for old in self.kinds {
            for _ in 0..CHUNKS {
                let mut tx = db::transaction(pool).await?;
                if !self.try_lock(&mut tx).await? {
                    return Ok(rows);
                }
                let deleted = old.delete(&mut tx, old.at_once()).await?;
                tx.commit().await?;
                counter!(self.metric("deleted_total"), "what" => old.name()).increment(deleted);
                rows += deleted;
                if deleted < old.at_once().unsigned_abs() {
                    break;
                }
            }
        }
        if rows > 0 {
            info!(rows, "upkeep deleted {rows} rows");
        }
        Ok(rows)
    }

    async fn measure(self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut db = pool.acquire().await?;
        for old in self.kinds {
            if let Some(seconds) = old.overdue(&mut db).await? {
                gauge!(self.metric("overdue_seconds"), "what" => old.name()).set(seconds);
            }
        }
        Ok(())
    }

    /// Whether this is the one instance that cleans up now. Held until the transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn try_lock(self, db: &mut PgConnection) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("select pg_try_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(format!("{}-upkeep", self.service))
            .fetch_one(db)
            .await
    }

    fn metric(self, name: &str) -> String {
        format!("{}_upkeep_{name}", self.service)
    }
}

/// Repeats `round` until the service stops.
pub fn keep<T, F>(platform: &Platform, round: impl Fn() -> F + Send + 'static)
where
    F: Future<Output = Result<T, sqlx::Error>> + Send,
{
    platform.tasks().spawn_until_drain("upkeep", async move {
        let mut failing = false;
        loop {
            let failed = round().await.err();
            if let Some(error) = failed.as_ref().filter(|_| !failing) {
                warn!("upkeep waits: {error}");
            }
            failing = failed.is_some();
            let pause = if failing { AFTER_ERROR } else { EVERY };
            let jitter = rand::rng().random_range(-JITTER..JITTER);
            sleep(pause.mul_f64(1.0 + jitter)).await;
        }
    });
}
