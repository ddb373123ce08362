//! The execution's own log: what happened to it, for people.

use contract::batch::LogLevel;
use contract::id::ExecutionId;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::fence::{Fence, FenceError, owned};

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// None for what is said of the whole execution.
    pub step: Option<&'a str>,
    pub level: LogLevel,
    pub message: &'a str,
}

/// In a transaction that has made sure that the execution may be written.
///
/// # Errors
/// When the database does not answer.
pub async fn write(
    db: &mut PgConnection,
    execution: ExecutionId,
    line: &Line<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into log (execution_id, step_name, level, message)
        values ($1, $2, $3, $4)
        "#,
        execution.as_uuid(),
        line.step,
        line.level.as_str(),
        line.message
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A chunk came to nothing and will be tried again: counted, and told.
///
/// # Errors
/// See [`FenceError`].
pub async fn retry(db: &PgPool, fence: &Fence, row: Option<Uuid>, line: &Line<'_>) -> Result<(), FenceError> {
    let told = sqlx::query!(
        r#"
        with mine as (
          select id
          from execution
          where id = $1 and fence = $2 and owner = $3 and end_time is null
          for share
        ),
        counted as (
          update step
          set rollback_count = rollback_count + 1, last_updated = now()
          from mine
          where step.id = $4 and step.execution_id = mine.id
        )
        insert into log (execution_id, step_name, level, message)
        select id, $5, $6, $7
        from mine
        "#,
        fence.execution.as_uuid(),
        fence.number,
        &*fence.owner,
        row,
        line.step,
        line.level.as_str(),
        line.message
    )
    .execute(db)
    .await?;
    owned(told.rows_affected())
}
