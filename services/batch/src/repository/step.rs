//! Steps and their parts: how they are planned and begun.

use std::collections::BTreeMap;

use contract::batch::ExecutionStatus;
use contract::id::ExecutionId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

use super::fence::{Fence, FenceError, owned};

/// Where a part goes on: what a chunk needs to be done again exactly as it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    pub cursor: Option<Value>,
    pub chunk: u64,
    pub size: u32,
    /// What the next chunk is to work on, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Value>,
}

/// A step of one part, or a part of a step.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: Uuid,
    /// `<step>` or `<step>:<part>`.
    pub name: String,
    pub status: ExecutionStatus,
    pub context: Json<Context>,
    pub items_per_second: Option<f64>,
}

/// In the order in which they were planned.
///
/// # Errors
/// When the database does not answer.
pub async fn all(db: &PgPool, execution: ExecutionId) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        select
          id,
          name,
          status as "status: ExecutionStatus",
          context as "context: Json<Context>",
          items_per_second
        from step
        where execution_id = $1
        order by position, name collate "C"
        "#,
        execution.as_uuid()
    )
    .fetch_all(db)
    .await
}

/// What the steps have counted so far.
///
/// # Errors
/// When the database does not answer.
pub async fn summary(db: &PgPool, execution: ExecutionId) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select summary as "summary: Json<BTreeMap<String, i64>>"
        from execution
        where id = $1
        "#,
        execution.as_uuid()
    )
    .fetch_one(db)
    .await
    .map(|summary| summary.0)
}

/// A part that is to be worked on.
#[derive(Debug)]
pub struct NewRow {
    pub name: String,
    pub total: Option<i64>,
}

/// A step as it is planned.
#[derive(Debug)]
pub struct Plan<'a> {
    pub step: &'a str,
    /// Among the steps of the job.
    pub position: i32,
    /// Of the first chunks.
    pub size: u32,
    pub parts: &'a [NewRow],
}

/// Writes a step's parts, in their order; a step without any is complete. Once: a plan whose answer was lost stays.
///
/// # Errors
/// See [`FenceError`].
pub async fn plan(db: &PgPool, fence: &Fence, plan: &Plan<'_>) -> Result<(), FenceError> {
    let none = [NewRow { name: plan.step.to_owned(), total: Some(0) }];
    let (rows, status) = match plan.parts {
        [] => (&none[..], ExecutionStatus::Completed),
        parts => (parts, ExecutionStatus::Starting),
    };
    let ids: Vec<Uuid> = rows.iter().map(|_| Uuid::now_v7()).collect();
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let totals: Vec<Option<i64>> = rows.iter().map(|row| row.total).collect();
    let planned = sqlx::query_file!(
        "src/repository/plan.sql",
        fence.execution.as_uuid(),
        fence.number,
        &*fence.owner,
        plan.step,
        plan.position,
        status.as_str(),
        &ids,
        &names,
        &totals as &[Option<i64>],
        Json(Context { size: plan.size, ..Context::default() }) as _,
        begun(plan.parts.len()),
    )
    .fetch_optional(db)
    .await?;
    owned(planned.iter().len() as u64)
}

fn begun(parts: usize) -> String {
    match parts {
        0 => "nothing to do".to_owned(),
        1 => "begun".to_owned(),
        parts => format!("begun, in {parts} parts"),
    }
}

/// A part is about to be worked on.
///
/// # Errors
/// See [`FenceError`].
pub async fn begin(db: &PgPool, fence: &Fence, row: Uuid) -> Result<(), FenceError> {
    let begun = sqlx::query!(
        r#"
        with mine as (
          select id
          from execution
          where id = $1 and fence = $2 and owner = $3 and end_time is null
          for share
        )
        update step
        set status = 'STARTED', start_time = coalesce(start_time, now()), last_updated = now()
        from mine
        where step.id = $4 and step.execution_id = mine.id
        "#,
        fence.execution.as_uuid(),
        fence.number,
        &*fence.owner,
        row
    )
    .execute(db)
    .await?;
    owned(begun.rows_affected())
}

/// What a part's next chunk is to work on is known.
///
/// # Errors
/// See [`FenceError`].
pub async fn prepare(db: &PgPool, fence: &Fence, row: Uuid, context: &Context) -> Result<(), FenceError> {
    let prepared = sqlx::query!(
        r#"
        with mine as (
          select id
          from execution
          where id = $1 and fence = $2 and owner = $3 and end_time is null
          for share
        )
        update step
        set context = $5, last_updated = now()
        from mine
        where step.id = $4 and step.execution_id = mine.id
        "#,
        fence.execution.as_uuid(),
        fence.number,
        &*fence.owner,
        row,
        Json(context) as _
    )
    .execute(db)
    .await?;
    owned(prepared.rows_affected())
}
