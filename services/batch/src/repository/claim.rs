//! Who runs an execution, and until when that is believed. All times are the database's.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contract::batch::ParameterValue;
use contract::id::{ExecutionId, InstanceId};
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

use super::fence::Fence;

/// An execution that was taken up.
#[derive(Debug)]
pub struct Claimed {
    pub id: ExecutionId,
    pub instance: InstanceId,
    pub job: String,
    pub fence: i64,
    /// Somebody had taken it up before.
    pub again: bool,
    /// Whoever had it and gave no sign of life.
    pub former: Option<String>,
    pub dry_run: bool,
    pub stop_requested: bool,
    pub as_of: DateTime<Utc>,
    pub parameters: Json<Vec<ParameterValue>>,
}

/// Takes up to `limit` executions of these jobs that nobody runs, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(
    db: &PgPool,
    owner: &str,
    lease: Duration,
    jobs: &[String],
    limit: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    sqlx::query_file_as!(Claimed, "src/repository/claim.sql", owner, lease.as_secs_f64(), jobs, limit)
        .fetch_all(db)
        .await
}

/// An execution that is still the caller's.
#[derive(Debug)]
pub struct Renewed {
    pub id: ExecutionId,
    pub fence: i64,
    pub stop_requested: bool,
}

/// Says that their owner lives. What is missing from the answer is not the caller's any more.
///
/// # Errors
/// When the database does not answer.
pub async fn renew(
    db: &PgPool,
    owner: &str,
    lease: Duration,
    held: &[(ExecutionId, i64)],
) -> Result<Vec<Renewed>, sqlx::Error> {
    let (ids, fences): (Vec<Uuid>, Vec<i64>) = held.iter().map(|(id, fence)| (id.as_uuid(), *fence)).unzip();
    sqlx::query_as!(
        Renewed,
        r#"
        update execution
        set lease_until = now() + make_interval(secs => $4), last_updated = now()
        from unnest($1::uuid[], $2::bigint[]) as held (id, fence)
        where
          execution.id = held.id
          and execution.fence = held.fence
          and execution.owner = $3
          and execution.end_time is null
        returning execution.id as "id: ExecutionId", execution.fence, execution.stop_requested
        "#,
        &ids,
        &fences,
        owner,
        lease.as_secs_f64()
    )
    .fetch_all(db)
    .await
}

/// Gives the execution back, so that another goes on with it at once; says whether it was the caller's.
///
/// # Errors
/// When the database does not answer.
pub async fn release(db: &PgPool, fence: &Fence) -> Result<bool, sqlx::Error> {
    let released = sqlx::query!(
        r#"
        with released as (
          update execution
          set owner = null, lease_until = null, last_updated = now()
          where id = $1 and fence = $2 and owner = $3 and end_time is null
          returning id
        )
        insert into log (execution_id, level, message)
        select id, 'INFO', 'given back by ' || $3
        from released
        "#,
        fence.execution.as_uuid(),
        fence.number,
        &*fence.owner
    )
    .execute(db)
    .await?;
    Ok(released.rows_affected() == 1)
}
