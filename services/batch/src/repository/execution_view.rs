//! Executions as people see them, a page in two statements.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use contract::batch::{Execution, ExecutionStatus, ParameterValue};
use contract::id::ExecutionId;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::domain::progress::{self, Begun};

/// Which executions.
#[derive(Debug, Clone, Default)]
pub struct Choice<'a> {
    pub job: Option<&'a str>,
    pub status: Option<ExecutionStatus>,
    /// Those that are not over.
    pub running: bool,
    pub ids: Option<RangeInclusive<Uuid>>,
    /// Older than this one: when it was created, and its id.
    pub before: Option<(DateTime<Utc>, Uuid)>,
    pub limit: i64,
}

struct Row {
    id: ExecutionId,
    job: String,
    parameters: Json<Vec<ParameterValue>>,
    status: ExecutionStatus,
    exit_code: String,
    exit_message: Option<String>,
    dry_run: bool,
    triggered_by: String,
    create_time: DateTime<Utc>,
    start_time: Option<DateTime<Utc>>,
    end_time: Option<DateTime<Utc>>,
    owner: Option<String>,
    /// Its owner has shown a sign of life lately.
    alive: bool,
    takeovers: i32,
    restart_of: Option<ExecutionId>,
    steps: Json<Vec<Begun>>,
    summary: Json<BTreeMap<String, i64>>,
}

impl From<Row> for Execution {
    fn from(row: Row) -> Self {
        let Json(steps) = row.steps;
        let time = match (row.start_time, row.end_time) {
            (Some(start), Some(end)) => Some(end - start),
            _ => None,
        };
        Self {
            id: row.id,
            job: row.job,
            parameters: row.parameters.0,
            status: row.status,
            exit_code: row.exit_code,
            exit_message: row.exit_message,
            dry_run: row.dry_run,
            triggered_by: row.triggered_by,
            create_time: row.create_time,
            start_time: row.start_time,
            end_time: row.end_time,
            owner: row.owner,
            takeovers: row.takeovers,
            restart_of: row.restart_of,
            progress: progress::of(&steps, progress::State { status: row.status, alive: row.alive, time }),
            steps: steps.into_iter().map(|step| step.view(row.alive)).collect(),
            summary: row.summary.0,
        }
    }
}

/// # Errors
/// When the database does not answer.
pub async fn get(db: &mut PgConnection, id: ExecutionId) -> Result<Option<Execution>, sqlx::Error> {
    Ok(views(db, &[id.as_uuid()]).await?.pop())
}

/// The newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(db: &mut PgConnection, choice: &Choice<'_>) -> Result<Vec<Execution>, sqlx::Error> {
    // A statement for each combination, so that each has its index.
    let mut query = QueryBuilder::<Postgres>::new("select id from execution where true");
    if let Some(job) = choice.job {
        query.push(" and job_name = ").push_bind(job);
    }
    if let Some(status) = choice.status {
        query.push(" and status = ").push_bind(status.as_str());
    }
    if choice.running {
        query.push(" and end_time is null");
    }
    if let Some(ids) = &choice.ids {
        query.push(" and id between ").push_bind(ids.start()).push(" and ").push_bind(ids.end());
    }
    if let Some((at, id)) = choice.before {
        query.push(" and (create_time, id) < (").push_bind(at).push(", ").push_bind(id).push(")");
    }
    query.push(" order by create_time desc, id desc limit ").push_bind(choice.limit);
    let ids = query.build_query_scalar().fetch_all(&mut *db).await?;
    views(db, &ids).await
}

/// The job's newest execution; none when it has never run.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_of(db: &mut PgConnection, job: &str) -> Result<Option<Execution>, sqlx::Error> {
    Ok(list(db, &Choice { job: Some(job), limit: 1, ..Choice::default() }).await?.pop())
}

/// The newest execution of every job that has ever run, by the job's name.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_by_job(db: &mut PgConnection) -> Result<BTreeMap<String, Execution>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"
        select newest.id as "id!"
        from batch_job
        cross join lateral (
          select id
          from execution
          where job_name = batch_job.name
          order by create_time desc, id desc
          limit 1
        ) as newest
        "#
    )
    .fetch_all(&mut *db)
    .await?;
    let newest = views(db, &ids).await?;
    Ok(newest.into_iter().map(|execution| (execution.job.clone(), execution)).collect())
}

/// # Errors
/// When the database does not answer.
pub async fn exists(db: &mut PgConnection, id: ExecutionId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select exists (select from execution where id = $1) as "exists!""#, id.as_uuid())
        .fetch_one(db)
        .await
}

/// The time of the database, which all instances share.
///
/// # Errors
/// When the database does not answer.
pub async fn now(db: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(db).await
}

async fn views(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Execution>, sqlx::Error> {
    let rows = sqlx::query_file_as!(Row, "src/repository/execution_views.sql", ids).fetch_all(db).await?;
    Ok(rows.into_iter().map(Execution::from).collect())
}
