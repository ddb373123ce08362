//! What a chunk leaves beside its counts: archives and reports.

use contract::id::{ExecutionId, ReportId};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::engine::{NewArchive, NewReport};

/// Lists an archive that is complete and was read back. False when another one of that name may not be replaced, because
/// its rows are gone from where they came from.
///
/// # Errors
/// When the database does not answer.
pub async fn archive(
    db: &mut PgConnection,
    execution: ExecutionId,
    archive: &NewArchive,
) -> Result<bool, sqlx::Error> {
    let written = sqlx::query!(
        r#"
        insert into archive (
          id, job_name, execution_id, path, period_start, period_end, part_count, row_count, byte_count, sha256,
          verified_at
        )
        select $2, job_name, id, $3, $4, $5, $6, $7, $8, $9, now()
        from execution
        where id = $1
        on conflict (path) do update
        set
          execution_id = excluded.execution_id,
          period_start = excluded.period_start,
          period_end = excluded.period_end,
          part_count = excluded.part_count,
          row_count = excluded.row_count,
          byte_count = excluded.byte_count,
          sha256 = excluded.sha256,
          verified_at = excluded.verified_at
        where archive.dropped_at is null or archive.sha256 = excluded.sha256
        "#,
        execution.as_uuid(),
        archive.id.as_uuid(),
        archive.path,
        archive.period_start,
        archive.period_end,
        i32::try_from(archive.parts).unwrap_or(i32::MAX),
        i64::try_from(archive.rows).unwrap_or(i64::MAX),
        i64::try_from(archive.bytes).unwrap_or(i64::MAX),
        &archive.sha256
    )
    .execute(db)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// The archive's rows are gone from where they came from. False when there is no such archive.
///
/// # Errors
/// When the database does not answer.
pub async fn archive_dropped(db: &mut PgConnection, path: &str) -> Result<bool, sqlx::Error> {
    let dropped = sqlx::query!(
        r#"
        update archive
        set dropped_at = coalesce(dropped_at, now())
        where path = $1
        "#,
        path
    )
    .execute(db)
    .await?;
    Ok(dropped.rows_affected() == 1)
}

/// The instance's report, instead of any before.
///
/// # Errors
/// When the database does not answer.
pub async fn report(
    db: &mut PgConnection,
    execution: ExecutionId,
    report: &NewReport,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into report (
          id, job_name, execution_id, instance_id, dry_run, period_start, period_end, summary, row_count, json_path,
          csv_path
        )
        select $2, job_name, id, instance_id, dry_run, $3, $4, $5, $6, $7, $8
        from execution
        where id = $1
        on conflict (instance_id) do update
        set
          execution_id = excluded.execution_id,
          period_start = excluded.period_start,
          period_end = excluded.period_end,
          summary = excluded.summary,
          row_count = excluded.row_count,
          json_path = excluded.json_path,
          csv_path = excluded.csv_path
        "#,
        execution.as_uuid(),
        chassis::fresh_id::<ReportId>().as_uuid(),
        report.period_start,
        report.period_end,
        Json(&report.summary) as _,
        i64::try_from(report.row_count).unwrap_or(i64::MAX),
        report.json_path,
        report.csv_path
    )
    .execute(db)
    .await?;
    Ok(())
}
