//! What became of each slot of a schedule.

use chrono::{DateTime, Utc};
use contract::batch::{FireOutcome, ScheduleFire};
use contract::id::ExecutionId;
use sqlx::PgConnection;
use uuid::Uuid;

/// Takes the slots, and says which were not taken before.
///
/// # Errors
/// When the database does not answer.
pub async fn take(
    db: &mut PgConnection,
    job: &str,
    slots: &[DateTime<Utc>],
    outcome: FireOutcome,
) -> Result<Vec<DateTime<Utc>>, sqlx::Error> {
    if slots.is_empty() {
        return Ok(Vec::new());
    }
    let mut taken = sqlx::query_scalar!(
        "insert into schedule_fire (job_name, slot, outcome)
         select $1, slot, $3
         from unnest($2::timestamptz[]) as slot
         on conflict do nothing
         returning slot",
        job,
        slots,
        outcome.as_str(),
    )
    .fetch_all(db)
    .await?;
    taken.sort_unstable();
    Ok(taken)
}

/// What became of a slot that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fire {
    pub slot: DateTime<Utc>,
    pub outcome: FireOutcome,
    pub execution: Option<ExecutionId>,
}

/// # Errors
/// When the database does not answer.
pub async fn conclude(db: &mut PgConnection, job: &str, fires: &[Fire]) -> Result<(), sqlx::Error> {
    if fires.is_empty() {
        return Ok(());
    }
    let slots: Vec<DateTime<Utc>> = fires.iter().map(|fire| fire.slot).collect();
    let outcomes: Vec<String> = fires.iter().map(|fire| fire.outcome.to_string()).collect();
    let executions: Vec<Option<Uuid>> =
        fires.iter().map(|fire| fire.execution.map(ExecutionId::as_uuid)).collect();
    sqlx::query!(
        "update schedule_fire
         set outcome = given.outcome, execution_id = given.execution
         from unnest($2::timestamptz[], $3::text[], $4::uuid[]) as given (slot, outcome, execution)
         where schedule_fire.job_name = $1
           and schedule_fire.slot = given.slot",
        job,
        &slots,
        &outcomes,
        &executions as &[Option<Uuid>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Executions of a job that change something and have not ended.
///
/// # Errors
/// When the database does not answer.
pub async fn running(db: &mut PgConnection, job: &str) -> Result<Vec<ExecutionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id as "id: ExecutionId"
           from execution
           where job_name = $1 and end_time is null and not dry_run
           order by create_time"#,
        job
    )
    .fetch_all(db)
    .await
}

/// The newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(db: &mut PgConnection, job: &str, limit: i64) -> Result<Vec<ScheduleFire>, sqlx::Error> {
    sqlx::query_as!(
        ScheduleFire,
        r#"select slot, outcome as "outcome: FireOutcome", fired_at,
                  execution_id as "execution_id: ExecutionId"
           from schedule_fire
           where job_name = $1
           order by slot desc
           limit $2"#,
        job,
        limit,
    )
    .fetch_all(db)
    .await
}
