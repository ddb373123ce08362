//! What was written down about an execution.

use contract::batch::{LogLevel, LogLine};
use contract::id::ExecutionId;
use sqlx::PgConnection;

/// Lines behind `after`, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    db: &mut PgConnection,
    execution: ExecutionId,
    after: i64,
    limit: i64,
) -> Result<Vec<LogLine>, sqlx::Error> {
    sqlx::query_as!(
        LogLine,
        r#"
        select
          id,
          created_at as time,
          level as "level: LogLevel",
          step_name as step,
          message
        from log
        where execution_id = $1 and id > $2
        order by id
        limit $3
        "#,
        execution.as_uuid(),
        after,
        limit
    )
    .fetch_all(db)
    .await
}
