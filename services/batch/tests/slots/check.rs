//! What must be true of slots and their executions.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::role::JOB;

/// Slots of the window that fired so far.
pub(crate) async fn fired(db: &PgPool, first: DateTime<Utc>, last: DateTime<Utc>) -> i64 {
    let count = "select count(*) from schedule_fire
                 where job_name = $1 and outcome = 'FIRED' and slot between $2 and $3";
    sqlx::query_scalar(count).bind(JOB).bind(first).bind(last).fetch_one(db).await.unwrap()
}

/// Executions that have not completed.
pub(crate) async fn open(db: &PgPool) -> i64 {
    let count = "select count(*) from execution where status <> 'COMPLETED'";
    sqlx::query_scalar(count).fetch_one(db).await.unwrap()
}

/// Everything that is wrong with the slots from `first` to `last`, by the minute.
pub(crate) async fn wrongs(db: &PgPool, first: DateTime<Utc>, last: DateTime<Utc>) -> Vec<String> {
    let wrongs = "
        select 'missing: ' || slot from generate_series($2::timestamptz, $3, interval '1 minute') as slot
        where not exists (
          select from schedule_fire as fire
          where job_name = $1 and fire.slot = slot.slot and outcome = 'FIRED' and execution_id is not null
        )
        union all
        select 'no slot of this schedule: ' || slot from schedule_fire
        where job_name <> $1 or slot <> date_trunc('minute', slot) or slot < $2
        union all
        select outcome || ': ' || slot from schedule_fire where outcome <> 'FIRED'
        union all
        select count(*) || ' executions of ' || value from execution_parameter
        where name = 'slot' group by value having count(*) <> 1
        union all
        select count(*) || ' slots share ' || execution_id from schedule_fire
        group by execution_id having count(*) <> 1
        union all
        select 'an execution without its slot: ' || execution.id from execution
        join job_instance on job_instance.id = instance_id
        where not exists (
          select from schedule_fire
          join execution_parameter as parameter on parameter.execution_id = execution.id and name = 'slot'
          where schedule_fire.execution_id = execution.id and slot = as_of and slot = value::timestamptz
        )";
    sqlx::query_scalar(wrongs).bind(JOB).bind(first).bind(last).fetch_all(db).await.unwrap()
}
