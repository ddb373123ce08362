//! Count and checksum of a whole month of messages, made beside requests: it may take longer than any of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context as Digest, SHA256};
use chassis::spawn::TaskSet;
use chassis::{ApiError, Platform};
use contract::code::ErrorCode;
use futures_util::TryStreamExt as _;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::domain::retention::Month;
use crate::repository::partition::{self, BEGINNING};

/// Messages read at once: no statement takes long, and no snapshot grows old.
const PAGE: i64 = 5000;
/// A sum that nobody asked for since is made anew: something may have been purged.
const FRESH: Duration = Duration::from_mins(1);

/// What was found in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    pub rows: u64,
    /// SHA-256 of the month's archive, in lower-case hexadecimal.
    pub checksum: String,
}

/// Sums that are being made, or just were. Cheap to clone.
#[derive(Clone)]
pub struct MonthSums {
    db: PgPool,
    tasks: TaskSet,
    running: Arc<Mutex<BTreeMap<Month, watch::Receiver<Progress>>>>,
}

#[derive(Debug, Clone, Default)]
struct Progress {
    rows: u64,
    end: Option<(Instant, Result<Sum, ApiError>)>,
}

impl MonthSums {
    pub fn new(platform: &Platform, db: PgPool) -> Self {
        Self { db, tasks: platform.tasks().clone(), running: Arc::default() }
    }

    /// The sum if it is there until then, else how many messages have been counted. Whoever asks again gets the rest of
    /// the same work.
    ///
    /// # Errors
    /// When the database fails, or the service stops.
    pub async fn sum(&self, month: Month, until: Instant) -> Result<Result<Sum, u64>, ApiError> {
        let mut progress = self.join(month);
        let ended = timeout_at(until, progress.wait_for(|progress| progress.end.is_some())).await;
        let ended = ended.map(|ended| ended.ok().and_then(|progress| progress.end.clone()));
        let sum = match ended {
            Err(_elapsed) => return Ok(Err(progress.borrow().rows)),
            // The task was stopped.
            Ok(None) => Err(ErrorCode::UpstreamUnavailable.into()),
            Ok(Some((_, sum))) => sum,
        };
        self.running().remove(&month);
        sum.map(Ok)
    }

    fn join(&self, month: Month) -> watch::Receiver<Progress> {
        let mut running = self.running();
        if let Some(progress) = running.get(&month)
            && is_good(progress)
        {
            return progress.clone();
        }
        let (told, progress) = watch::channel(Progress::default());
        running.insert(month, progress.clone());
        let db = self.db.clone();
        self.tasks.spawn_until_drain("month-sum", async move {
            let sum = make(&db, month, &told).await.map_err(ApiError::from);
            told.send_modify(|progress| progress.end = Some((Instant::now(), sum)));
        });
        progress
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<Month, watch::Receiver<Progress>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_good(progress: &watch::Receiver<Progress>) -> bool {
    match &progress.borrow().end {
        Some((at, _)) => at.elapsed() < FRESH,
        // Whoever made it is gone.
        None => progress.has_changed().is_ok(),
    }
}

async fn make(db: &PgPool, month: Month, told: &watch::Sender<Progress>) -> Result<Sum, sqlx::Error> {
    let mut digest = Digest::new(&SHA256);
    let (mut rows, mut place) = (0_u64, BEGINNING);
    loop {
        let mut connection = db.acquire().await?;
        let mut page = partition::messages(&mut connection, month, place, Some(PAGE));
        let before = rows;
        while let Some(message) = page.try_next().await? {
            digest.update(message.line().as_bytes());
            rows += 1;
            place = (message.room_id, message.seq);
        }
        told.send_modify(|progress| progress.rows = rows);
        if rows - before < PAGE.unsigned_abs() {
            return Ok(Sum { rows, checksum: hex(digest.finish().as_ref()) });
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
