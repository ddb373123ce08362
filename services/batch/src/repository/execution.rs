//! Executions: how they begin, are stopped, restarted and given up.

use chrono::{DateTime, Utc};
use contract::batch::{ExecutionStatus, LogLevel, ParameterValue};
use contract::id::{ExecutionId, InstanceId};
use sqlx::PgConnection;
use thiserror::Error;

use super::log::{self, Line};
use crate::domain::parameter;
use crate::domain::start::{self as rule, Past};

/// What is to run.
#[derive(Debug, Clone)]
pub struct Start<'a> {
    pub job: &'a str,
    /// With their defaults, and with what makes a run without parameters a new one.
    pub parameters: &'a [ParameterValue],
    pub dry_run: bool,
    /// `schedule`, `operator`, or `user:<id>`.
    pub triggered_by: &'a str,
    /// What "now" means to the job.
    pub as_of: DateTime<Utc>,
}

/// Why there is no new execution. The id is that of the execution in the way.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("the same parameters run already, as {0}")]
    Running(ExecutionId),
    #[error("the same parameters were completed, or given up, by {0}")]
    Complete(ExecutionId),
    #[error("how {0} ended is not known")]
    Unknown(ExecutionId),
    #[error("failed to reach batch_db")]
    Database(#[from] sqlx::Error),
}

impl From<rule::Refusal> for StartError {
    fn from(refusal: rule::Refusal) -> Self {
        match refusal {
            rule::Refusal::Running(id) => Self::Running(id),
            rule::Refusal::Complete(id) => Self::Complete(id),
            rule::Refusal::Unknown(id) => Self::Unknown(id),
        }
    }
}

/// Begins an execution, of a new instance or of one whose last execution failed or was stopped. Nobody owns it yet:
/// after the commit, wake the runner.
///
/// # Errors
/// See [`StartError`].
pub async fn start(db: &mut PgConnection, start: &Start<'_>) -> Result<ExecutionId, StartError> {
    let instance = lock_instance(db, start).await?;
    let from = rule::decide(&history(db, instance).await?)?;
    let id = chassis::fresh_id();
    insert(db, id, instance, start).await?;
    insert_parameters(db, id, start.parameters).await?;
    if let Some(from) = from {
        carry_on(db, from, id).await?;
    }
    tell_begun(db, id, from, start.triggered_by).await?;
    Ok(id)
}

/// The instance, made if it is missing. Until the transaction ends nobody else begins an execution of it.
async fn lock_instance(db: &mut PgConnection, start: &Start<'_>) -> Result<InstanceId, sqlx::Error> {
    let id: InstanceId = chassis::fresh_id();
    let key = parameter::key(start.parameters, start.dry_run);
    sqlx::query_scalar!(
        r#"
        insert into job_instance as known (id, job_name, job_key, as_of)
        values ($1, $2, $3, $4)
        on conflict (job_name, job_key) do update
        set job_name = known.job_name
        returning id as "id: InstanceId"
        "#,
        id.as_uuid(),
        start.job,
        &key,
        start.as_of
    )
    .fetch_one(db)
    .await
}

/// The executions of an instance, the newest first.
async fn history(db: &mut PgConnection, instance: InstanceId) -> Result<Vec<Past>, sqlx::Error> {
    sqlx::query_as!(
        Past,
        r#"
        select id as "id: ExecutionId", status as "status: ExecutionStatus"
        from execution
        where instance_id = $1
        order by create_time desc, id desc
        "#,
        instance.as_uuid()
    )
    .fetch_all(db)
    .await
}

async fn insert(
    db: &mut PgConnection,
    id: ExecutionId,
    instance: InstanceId,
    start: &Start<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into execution (id, instance_id, job_name, dry_run, triggered_by)
        values ($1, $2, $3, $4, $5)
        "#,
        id.as_uuid(),
        instance.as_uuid(),
        start.job,
        start.dry_run,
        start.triggered_by
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn insert_parameters(
    db: &mut PgConnection,
    id: ExecutionId,
    parameters: &[ParameterValue],
) -> Result<(), sqlx::Error> {
    let names: Vec<String> = parameters.iter().map(|parameter| parameter.name.clone()).collect();
    let types: Vec<String> = parameters.iter().map(|parameter| parameter.kind.to_string()).collect();
    let values: Vec<String> = parameters.iter().map(|parameter| parameter.value.clone()).collect();
    let identifying: Vec<bool> = parameters.iter().map(|parameter| parameter.identifying).collect();
    sqlx::query!(
        r#"
        insert into execution_parameter (execution_id, name, type, value, identifying)
        select $1, name, type, value, identifying
        from unnest($2::text[], $3::text[], $4::text[], $5::bool[]) as given (name, type, value, identifying)
        "#,
        id.as_uuid(),
        &names,
        &types,
        &values,
        &identifying
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What `from` has done is done: its steps with their contexts and counts, its context and its summary.
async fn carry_on(db: &mut PgConnection, from: ExecutionId, to: ExecutionId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with carried as (
          update execution
          set restart_of = past.id, context = past.context, summary = past.summary
          from execution as past
          where execution.id = $2 and past.id = $1
        )
        insert into step (
          id, execution_id, name, position, status, exit_code, commit_count, read_count, filter_count, write_count,
          read_skip_count, process_skip_count, write_skip_count, rollback_count, total_estimate, context,
          start_time, end_time
        )
        select
          gen_random_uuid(),
          $2,
          name,
          position,
          case when status = 'COMPLETED' then status else 'STARTING' end,
          case when status = 'COMPLETED' then exit_code else 'UNKNOWN' end,
          commit_count,
          read_count,
          filter_count,
          write_count,
          read_skip_count,
          process_skip_count,
          write_skip_count,
          rollback_count,
          total_estimate,
          context,
          case when status = 'COMPLETED' then start_time end,
          case when status = 'COMPLETED' then end_time end
        from step
        where execution_id = $1
        "#,
        from.as_uuid(),
        to.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn tell_begun(
    db: &mut PgConnection,
    id: ExecutionId,
    from: Option<ExecutionId>,
    by: &str,
) -> Result<(), sqlx::Error> {
    let message = match from {
        Some(from) => format!("asked for by {by}, goes on from {from}"),
        None => format!("asked for by {by}"),
    };
    log::write(db, id, &Line { step: None, level: LogLevel::Info, message: &message }).await
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wished {
    Done(ExecutionId),
    NotFound,
    /// Its status does not allow it.
    Refused(ExecutionStatus),
}

/// It ends at its next commit; at once if nobody runs it.
///
/// # Errors
/// When the database does not answer.
pub async fn stop(db: &mut PgConnection, id: ExecutionId) -> Result<Wished, sqlx::Error> {
    let stopped = sqlx::query_scalar!(
        r#"
        with stopped as (
          update execution
          set
            stop_requested = true,
            status = case when owner is null then 'STOPPED' else 'STOPPING' end,
            exit_code = case when owner is null then 'STOPPED' else exit_code end,
            end_time = case when owner is null then now() end,
            last_updated = now()
          where id = $1 and end_time is null
          returning id, status
        ),
        left_over as (
          update step
          set status = 'STOPPED', exit_code = 'STOPPED', end_time = now(), items_per_second = null, last_updated = now()
          from stopped
          where step.execution_id = stopped.id and stopped.status = 'STOPPED' and step.status <> 'COMPLETED'
        )
        insert into log (execution_id, level, message)
        select id, 'INFO', case when status = 'STOPPED' then 'STOPPED: nobody ran it' else 'asked to stop' end
        from stopped
        returning id
        "#,
        id.as_uuid()
    )
    .fetch_optional(&mut *db)
    .await?;
    match stopped {
        Some(_) => Ok(Wished::Done(id)),
        None => Ok(refused(db, id).await?),
    }
}

/// Gives an ended execution up, the newest of its instance, which never runs again.
///
/// # Errors
/// When the database does not answer.
pub async fn abandon(db: &mut PgConnection, id: ExecutionId) -> Result<Wished, sqlx::Error> {
    let Some(past) = lock_past(db, id).await? else {
        return Ok(Wished::NotFound);
    };
    if let Some(newest) = history(db, past.instance).await?.first().filter(|newest| newest.id != id) {
        return Ok(Wished::Refused(newest.status));
    }
    let abandoned = sqlx::query_scalar!(
        r#"
        with abandoned as (
          update execution
          set status = 'ABANDONED', exit_code = 'ABANDONED', last_updated = now()
          where id = $1 and status in ('STOPPED', 'FAILED', 'UNKNOWN')
          returning id
        )
        insert into log (execution_id, level, message)
        select id, 'WARN', 'ABANDONED'
        from abandoned
        returning id
        "#,
        id.as_uuid()
    )
    .fetch_optional(&mut *db)
    .await?;
    match abandoned {
        Some(_) => Ok(Wished::Done(id)),
        None => Ok(refused(db, id).await?),
    }
}

async fn refused(db: &mut PgConnection, id: ExecutionId) -> Result<Wished, sqlx::Error> {
    let status = sqlx::query_scalar!(
        r#"
        select status as "status: ExecutionStatus"
        from execution
        where id = $1
        "#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(status.map_or(Wished::NotFound, Wished::Refused))
}

/// A new execution of the same instance, which goes on where this one ended; only of the newest, failed or stopped.
///
/// # Errors
/// When the database does not answer.
pub async fn restart(
    db: &mut PgConnection,
    id: ExecutionId,
    triggered_by: &str,
) -> Result<Wished, sqlx::Error> {
    let Some(past) = lock_past(db, id).await? else {
        return Ok(Wished::NotFound);
    };
    let history = history(db, past.instance).await?;
    if let Err(status) = rule::may_restart(id, &history) {
        return Ok(Wished::Refused(status));
    }
    let next = chassis::fresh_id();
    let start =
        Start { job: &past.job, parameters: &[], dry_run: past.dry_run, triggered_by, as_of: past.as_of };
    insert(db, next, past.instance, &start).await?;
    copy_parameters(db, id, next).await?;
    carry_on(db, id, next).await?;
    tell_begun(db, next, Some(id), triggered_by).await?;
    Ok(Wished::Done(next))
}

/// What an execution was started with.
struct PastStart {
    instance: InstanceId,
    job: String,
    dry_run: bool,
    as_of: DateTime<Utc>,
}

/// Until the transaction ends nobody else begins an execution of its instance.
async fn lock_past(db: &mut PgConnection, id: ExecutionId) -> Result<Option<PastStart>, sqlx::Error> {
    sqlx::query_as!(
        PastStart,
        r#"
        select
          execution.instance_id as "instance: InstanceId",
          execution.job_name as job,
          execution.dry_run,
          job_instance.as_of
        from execution
        join job_instance on job_instance.id = execution.instance_id
        where execution.id = $1
        for no key update of job_instance
        "#,
        id.as_uuid()
    )
    .fetch_optional(db)
    .await
}

async fn copy_parameters(
    db: &mut PgConnection,
    from: ExecutionId,
    to: ExecutionId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into execution_parameter (execution_id, name, type, value, identifying)
        select $2, name, type, value, identifying
        from execution_parameter
        where execution_id = $1
        "#,
        from.as_uuid(),
        to.as_uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}
