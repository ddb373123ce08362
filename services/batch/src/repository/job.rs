//! Jobs as the database has them: their schedules, which people may change, and when each fires next.
//!
//! A row outlives its job in the code: executions and reports belong to it. Such a job is not listed and not fired, and
//! goes on from where it was left when an instance comes that has it again. Instances of two versions can so run beside
//! each other, and each fires what it knows.

use chrono::{DateTime, Utc};
use contract::batch::{Concurrency, JobSchedule, Misfire};
use sqlx::{PgConnection, PgPool};
use tracing::{error, info};

use crate::domain::schedule::Schedule;
use crate::engine::{Job, Registry};

/// Where schedules are meant until somebody says otherwise.
pub const ZONE: &str = "Asia/Seoul";

/// A job's schedule, and what the database knows beside it.
#[derive(Debug, Clone)]
pub struct Row {
    pub name: String,
    pub cron: Option<String>,
    pub zone: String,
    pub enabled: bool,
    pub misfire: Misfire,
    pub concurrency: Concurrency,
    pub next_fire_at: Option<DateTime<Utc>>,
    /// Grows when somebody changes the schedule; firing leaves it.
    pub version: i64,
    /// By the database's clock.
    pub now: DateTime<Utc>,
}

impl From<Row> for JobSchedule {
    fn from(row: Row) -> Self {
        Self {
            cron: row.cron,
            zone: row.zone,
            enabled: row.enabled,
            misfire: row.misfire,
            concurrency: row.concurrency,
            next_fire_time: row.next_fire_at,
        }
    }
}

/// Gives every job of the code a row, with the schedule that it declares. What a row says already holds, but for the
/// description. A schedule that is enabled and has no next time gets one.
///
/// # Errors
/// When the database does not answer, or has no tables yet. What is done stays done.
pub async fn sync(pool: &PgPool, jobs: &Registry) -> Result<(), sqlx::Error> {
    let mut db = pool.acquire().await?;
    for job in jobs.iter() {
        insert(&mut db, job).await?;
    }
    let rows = list(&mut db).await?;
    for row in rows.iter().filter(|row| row.enabled && row.next_fire_at.is_none()) {
        let (Some(cron), Some(_)) = (&row.cron, jobs.get(&row.name)) else { continue };
        match Schedule::new(cron, &row.zone) {
            Ok(schedule) => appoint(&mut db, row, schedule.next(row.now)).await?,
            Err(error) => error!(job = row.name, "{} does not run by itself: {error}", row.name),
        }
    }
    Ok(())
}

async fn insert(db: &mut PgConnection, job: &Job) -> Result<(), sqlx::Error> {
    let inserted = sqlx::query_scalar!(
        r#"insert into batch_job (name, description, cron, zone, misfire, concurrency)
           values ($1, $2, $3, $4, $5, $6)
           on conflict (name) do update
             set description = excluded.description, updated_at = now()
             where batch_job.description <> excluded.description
           returning (xmax = 0) as "inserted!""#,
        job.name,
        job.description,
        job.schedule.cron,
        ZONE,
        job.schedule.misfire.as_str(),
        job.schedule.concurrency.as_str(),
    )
    .fetch_optional(db)
    .await?;
    if inserted == Some(true) {
        info!(job = job.name, "{} is a new job: `{}` in {ZONE}", job.name, job.schedule.cron);
    }
    Ok(())
}

/// Unless somebody was faster.
async fn appoint(db: &mut PgConnection, row: &Row, next: Option<DateTime<Utc>>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update batch_job
         set next_fire_at = $3
         where name = $1 and version = $2 and next_fire_at is null",
        row.name,
        row.version,
        next,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// # Errors
/// When the database does not answer.
pub async fn list(db: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select name, cron, zone, enabled, misfire as "misfire: Misfire",
                  concurrency as "concurrency: Concurrency", next_fire_at, version, now() as "now!"
           from batch_job
           order by name"#
    )
    .fetch_all(db)
    .await
}

/// # Errors
/// When the database does not answer.
pub async fn find(db: &mut PgConnection, name: &str) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select name, cron, zone, enabled, misfire as "misfire: Misfire",
                  concurrency as "concurrency: Concurrency", next_fire_at, version, now() as "now!"
           from batch_job
           where name = $1"#,
        name
    )
    .fetch_optional(db)
    .await
}

/// Writes the row as it is to be, unless it changed since it was read.
///
/// # Errors
/// When the database does not answer.
pub async fn change(db: &mut PgConnection, row: &Row) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query!(
        "update batch_job
         set cron = $3, zone = $4, enabled = $5, misfire = $6, concurrency = $7, next_fire_at = $8,
             version = version + 1, updated_at = now()
         where name = $1 and version = $2",
        row.name,
        row.version,
        row.cron,
        row.zone,
        row.enabled,
        row.misfire.as_str(),
        row.concurrency.as_str(),
        row.next_fire_at,
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// A job that fires soon.
#[derive(Debug, Clone, PartialEq)]
pub struct Upcoming {
    pub name: String,
    /// Until its next slot; zero and less when it is due.
    pub wait_secs: f64,
}

/// Of the jobs with these names, those that are due within `within_secs`, the most urgent first.
///
/// # Errors
/// When the database does not answer.
pub async fn upcoming(
    db: &mut PgConnection,
    names: &[String],
    within_secs: f64,
) -> Result<Vec<Upcoming>, sqlx::Error> {
    sqlx::query_as!(
        Upcoming,
        r#"select name, extract(epoch from next_fire_at - now())::float8 as "wait_secs!"
           from batch_job
           where enabled
             and next_fire_at < now() + make_interval(secs => $2)
             and name = any($1)
           order by next_fire_at, name"#,
        names,
        within_secs,
    )
    .fetch_all(db)
    .await
}

/// A job whose time has come, locked until the end of the transaction; none when it has not, or another instance is at
/// it. Executions of the job can be written meanwhile.
///
/// # Errors
/// When the database does not answer.
pub async fn lock_due(db: &mut PgConnection, name: &str) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select name, cron, zone, enabled, misfire as "misfire: Misfire",
                  concurrency as "concurrency: Concurrency", next_fire_at, version, now() as "now!"
           from batch_job
           where name = $1 and enabled and next_fire_at <= now()
           for no key update skip locked"#,
        name
    )
    .fetch_optional(db)
    .await
}

/// When a job that [`lock_due`] has locked fires next.
///
/// # Errors
/// When the database does not answer.
pub async fn set_next(
    db: &mut PgConnection,
    name: &str,
    next: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update batch_job set next_fire_at = $2 where name = $1", name, next).execute(db).await?;
    Ok(())
}
