//! What has served its time, deleted in chunks.

use std::time::Duration;

use sqlx::PgConnection;

/// Deletes up to `limit` of the oldest lines of logs that are older than `age`. Lines are numbered as they are written,
/// so the first numbers are the oldest, and nothing else is looked at.
///
/// # Errors
/// When the database does not answer.
pub async fn purge_log(db: &mut PgConnection, age: Duration, limit: i64) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"
        with oldest as (
          select id, created_at
          from log
          order by id
          limit $2
        )
        delete from log
        using oldest
        where log.id = oldest.id and oldest.created_at < now() - make_interval(secs => $1)
        "#,
        age.as_secs_f64(),
        limit
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes up to `limit` slots of every job that are older than `age`: no schedule goes back to them.
///
/// # Errors
/// When the database does not answer.
pub async fn purge_fires(db: &mut PgConnection, age: Duration, limit: i64) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"
        delete from schedule_fire
        using batch_job
        cross join lateral (
          select job_name, slot
          from schedule_fire
          where
            schedule_fire.job_name = batch_job.name
            and slot < now() - make_interval(secs => $1)
            and fired_at < now() - make_interval(secs => $1)
          order by slot
          limit $2
        ) as oldest
        where schedule_fire.job_name = oldest.job_name and schedule_fire.slot = oldest.slot
        "#,
        age.as_secs_f64(),
        limit
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes up to `limit` dry runs that ended longer than `age` ago, with their steps and logs, and their instances unless
/// they left a report.
///
/// # Errors
/// When the database does not answer.
pub async fn purge_dry_runs(db: &mut PgConnection, age: Duration, limit: i64) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query_scalar!(
        r#"
        with read as (
          select id, instance_id
          from execution
          where dry_run and end_time < now() - make_interval(secs => $1)
          order by end_time
          limit $2
          for update skip locked
        ),
        gone as (
          delete from execution
          using read
          where execution.id = read.id
          returning execution.id, execution.instance_id
        ),
        -- A dry run is an instance of its own; one that left a report is what the report is of.
        instances as (
          delete from job_instance
          using gone
          where job_instance.id = gone.instance_id
            and not exists (select from report where report.instance_id = gone.instance_id)
            and not exists (
              select from execution as other
              where other.instance_id = gone.instance_id and other.id not in (select id from gone)
            )
        )
        select count(*) as "count!" from gone
        "#,
        age.as_secs_f64(),
        limit
    )
    .fetch_one(db)
    .await?;
    Ok(deleted.unsigned_abs())
}

/// Deletes up to `limit` executions that a schedule began and that ended well longer than `age` ago, with their
/// instances, unless something is left of them that people look for: a report, an archive, a skipped item. The newest of
/// every job stays.
///
/// # Errors
/// When the database does not answer.
pub async fn purge_uneventful(db: &mut PgConnection, age: Duration, limit: i64) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query_file!("src/repository/purge_uneventful.sql", age.as_secs_f64(), limit)
        .execute(db)
        .await?;
    Ok(deleted.rows_affected())
}

/// Deletes up to `limit` lines of reports whose instances are over for good since longer than `age`: the report itself
/// holds them. Those of dry runs that are gone go too.
///
/// # Errors
/// When the database does not answer.
pub async fn purge_report_rows(db: &mut PgConnection, age: Duration, limit: i64) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query_file!("src/repository/purge_report_rows.sql", age.as_secs_f64(), limit)
        .execute(db)
        .await?;
    Ok(deleted.rows_affected())
}

/// For how many seconds the first line has been due; 0 when it is not.
///
/// # Errors
/// When the database does not answer.
pub async fn overdue_log(db: &mut PgConnection, age: Duration) -> Result<f64, sqlx::Error> {
    let oldest = sqlx::query_scalar!(
        r#"
        select extract(epoch from now() - created_at)::float8 as "seconds!"
        from log
        order by id
        limit 1
        "#
    )
    .fetch_optional(db)
    .await?;
    Ok((oldest.unwrap_or(0.0) - age.as_secs_f64()).max(0.0))
}
