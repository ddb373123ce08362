//! What has been archived, for those who archive.

use contract::id::{ExecutionId, InstanceId};
use serde_json::Value;
use sqlx::PgConnection;

/// Report rows of an instance that name an archive, one of them or any; in the order of archives and their objects.
///
/// # Errors
/// When the database does not answer.
pub async fn rows(
    db: &mut PgConnection,
    instance: InstanceId,
    archive: Option<&str>,
) -> Result<Vec<Value>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select content
        from report_row
        where instance_id = $1 and content ->> 'archive' = coalesce($2, content ->> 'archive')
        order by content ->> 'archive' collate "C", content ->> 'object' collate "C", id
        "#,
        instance.as_uuid(),
        archive
    )
    .fetch_all(db)
    .await
}

/// Paths below a directory that belong to archives of other instances.
///
/// # Errors
/// When the database does not answer.
pub async fn of_others(
    db: &mut PgConnection,
    instance: InstanceId,
    directory: &str,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select archive.path
        from archive
        left join execution on execution.id = archive.execution_id
        where starts_with(archive.path, $2 || '/') and execution.instance_id is distinct from $1
        "#,
        instance.as_uuid(),
        directory
    )
    .fetch_all(db)
    .await
}

/// An execution of another instance of the job that was begun before and is not over.
///
/// # Errors
/// When the database does not answer.
pub async fn earlier(
    db: &mut PgConnection,
    execution: ExecutionId,
) -> Result<Option<ExecutionId>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"
        select earlier.id
        from execution mine
        join execution earlier
          on earlier.job_name = mine.job_name
          and earlier.instance_id <> mine.instance_id
          and (earlier.create_time, earlier.id) < (mine.create_time, mine.id)
        where mine.id = $1 and earlier.end_time is null and not earlier.dry_run
        limit 1
        "#,
        execution.as_uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(found.map(ExecutionId::from))
}
