//! Items that a job could not process and went on without, and their second chances.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contract::batch::{ExecutionStatus, ParameterValue, SkippedItem, SkippedPhase, SkippedState};
use contract::id::{ExecutionId, InstanceId};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

/// Items behind `after`, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    db: &mut PgConnection,
    execution: ExecutionId,
    after: i64,
    limit: i64,
) -> Result<Vec<SkippedItem>, sqlx::Error> {
    sqlx::query_as!(
        SkippedItem,
        r#"
        select
          skipped_item.id,
          step.execution_id as "execution_id: ExecutionId",
          step.name as step,
          skipped_item.phase as "phase: SkippedPhase",
          skipped_item.item_key as key,
          skipped_item.error,
          skipped_item.state as "state: SkippedState",
          skipped_item.created_at
        from skipped_item
        join step on step.id = skipped_item.step_id
        where step.execution_id = $1 and skipped_item.id > $2
        order by skipped_item.id
        limit $3
        "#,
        execution.as_uuid(),
        after,
        limit
    )
    .fetch_all(db)
    .await
}

/// What a step has to be told to try an item again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub instance: InstanceId,
    pub job: String,
    pub parameters: Json<Vec<ParameterValue>>,
    pub as_of: DateTime<Utc>,
    pub dry_run: bool,
    pub summary: Json<BTreeMap<String, i64>>,
    pub status: ExecutionStatus,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

/// # Errors
/// When the database does not answer.
pub async fn origin(db: &mut PgConnection, execution: ExecutionId) -> Result<Option<Origin>, sqlx::Error> {
    sqlx::query_as!(
        Origin,
        r#"
        select
          execution.instance_id as "instance: InstanceId",
          execution.job_name as job,
          parameter.list as "parameters!: Json<Vec<ParameterValue>>",
          job_instance.as_of,
          execution.dry_run,
          execution.summary as "summary: Json<BTreeMap<String, i64>>",
          execution.status as "status: ExecutionStatus",
          clock_timestamp() as "now!"
        from execution
        join job_instance on job_instance.id = execution.instance_id
        cross join lateral (
          select
            coalesce(
              jsonb_agg(
                jsonb_build_object('name', name, 'type', type, 'value', value, 'identifying', identifying)
              ),
              '[]'
            ) as list
          from execution_parameter
          where execution_id = execution.id
        ) as parameter
        where execution.id = $1
        "#,
        execution.as_uuid()
    )
    .fetch_optional(db)
    .await
}

/// An item that is ours to try, until the time for which it was held is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub id: i64,
    /// With the name of the part, if it has one.
    pub step: String,
    pub key: String,
    pub item: Option<Value>,
}

/// Takes the item that was tried longest ago, and not since `since`. Nobody else gets it for `seconds`.
///
/// # Errors
/// When the database does not answer.
pub async fn hold(
    db: &mut PgConnection,
    execution: ExecutionId,
    since: DateTime<Utc>,
    seconds: f64,
) -> Result<Option<Held>, sqlx::Error> {
    sqlx::query_as!(
        Held,
        r#"
        with next as (
          select skipped_item.id, step.name as step
          from skipped_item
          join step on step.id = skipped_item.step_id
          where step.execution_id = $1
            and skipped_item.state = 'SKIPPED'
            and (skipped_item.held_until is null or skipped_item.held_until < $2)
          order by skipped_item.held_until nulls first, skipped_item.id
          limit 1
          for update of skipped_item skip locked
        )
        update skipped_item
        set held_until = clock_timestamp() + make_interval(secs => $3)
        from next
        where skipped_item.id = next.id
        returning skipped_item.id, next.step, skipped_item.item_key as key, skipped_item.item
        "#,
        execution.as_uuid(),
        since,
        seconds
    )
    .fetch_optional(db)
    .await
}

/// It worked.
///
/// # Errors
/// When the database does not answer.
pub async fn redriven(db: &mut PgConnection, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update skipped_item
        set state = 'REDRIVEN', resolved_at = now(), held_until = null
        where id = $1 and state = 'SKIPPED'
        "#,
        id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// It failed again.
///
/// # Errors
/// When the database does not answer.
pub async fn failed(db: &mut PgConnection, id: i64, error: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update skipped_item
        set error = $2, held_until = clock_timestamp()
        where id = $1 and state = 'SKIPPED'
        "#,
        id,
        error
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many were not tried since `since`.
///
/// # Errors
/// When the database does not answer.
pub async fn remaining(
    db: &mut PgConnection,
    execution: ExecutionId,
    since: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from skipped_item
        join step on step.id = skipped_item.step_id
        where step.execution_id = $1
          and skipped_item.state = 'SKIPPED'
          and (skipped_item.held_until is null or skipped_item.held_until < $2)
        "#,
        execution.as_uuid(),
        since
    )
    .fetch_one(db)
    .await
}
