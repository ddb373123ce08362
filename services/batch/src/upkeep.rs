//! What has served its time here, and when it goes.

use std::time::Duration;

use chassis::upkeep::{self, IdempotencyKeys, Upkeep};
use sqlx::PgConnection;

use crate::repository::upkeep as repository;

/// A quarter of a year, in which people ask what happened that night. Most executions themselves stay.
pub const LOG: Duration = Duration::from_hours(90 * 24);
/// As the log.
pub const FIRES: Duration = LOG;
/// A dry run is read by whoever asked for it.
pub const DRY_RUNS: Duration = Duration::from_hours(7 * 24);
/// Of a job that runs every minute, half a million a year.
pub const UNEVENTFUL: Duration = Duration::from_hours(7 * 24);
/// The report that they became is in the object store.
pub const REPORT_ROWS: Duration = Duration::from_hours(24);

/// Which rows are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    Log,
    Fires,
    DryRuns,
    /// Scheduled executions that ended well and left nothing behind.
    Uneventful,
    ReportRows,
    /// Answers that were kept for requests that come again.
    IdempotencyKeys,
}

pub const UPKEEP: Upkeep<Old> = Upkeep::new(
    "batch",
    &[Old::Log, Old::Fires, Old::DryRuns, Old::Uneventful, Old::ReportRows, Old::IdempotencyKeys],
);

impl upkeep::Old for Old {
    fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Fires => "schedule_fires",
            Self::DryRuns => "dry_runs",
            Self::Uneventful => "uneventful_executions",
            Self::ReportRows => "report_rows",
            Self::IdempotencyKeys => IdempotencyKeys.name(),
        }
    }

    fn at_once(self) -> i64 {
        match self {
            // They take their steps and their logs with them.
            Self::DryRuns => 20,
            Self::Uneventful => 100,
            Self::Log | Self::Fires | Self::ReportRows | Self::IdempotencyKeys => IdempotencyKeys.at_once(),
        }
    }

    async fn delete(self, db: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
        match self {
            Self::Log => repository::purge_log(db, LOG, limit).await,
            Self::Fires => repository::purge_fires(db, FIRES, limit).await,
            Self::DryRuns => repository::purge_dry_runs(db, DRY_RUNS, limit).await,
            Self::Uneventful => repository::purge_uneventful(db, UNEVENTFUL, limit).await,
            Self::ReportRows => repository::purge_report_rows(db, REPORT_ROWS, limit).await,
            Self::IdempotencyKeys => IdempotencyKeys.delete(db, limit).await,
        }
    }

    async fn overdue(self, db: &mut PgConnection) -> Result<Option<f64>, sqlx::Error> {
        match self {
            Self::Log => repository::overdue_log(db, LOG).await.map(Some),
            Self::IdempotencyKeys => IdempotencyKeys.overdue(db).await,
            Self::Fires | Self::DryRuns | Self::Uneventful | Self::ReportRows => Ok(None),
        }
    }
}
