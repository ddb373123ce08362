//! Rows that have served their time.

use batch::upkeep::UPKEEP;
use contract::batch::ExecutionStatus;
use contract::id::ExecutionId;

use super::stage::{JOB, QUICK, Stage, job};

async fn run(stage: &Stage, sql: &'static str) {
    sqlx::query(sql).execute(&stage.db.pool()).await.unwrap();
}

async fn count(stage: &Stage, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&stage.db.pool()).await.unwrap()
}

/// One execution that is over, a dry run or not.
async fn over(stage: &Stage, run: &str, dry_run: bool) -> ExecutionId {
    let instance = stage.instance(job(vec![stage.counting(11, 10)]), QUICK);
    let id = stage.try_start(run, dry_run).await.unwrap();
    instance.runner.wake();
    stage.becomes(id, ExecutionStatus::Completed).await;
    instance.kill().await;
    id
}

async fn end_days_ago(stage: &Stage, id: ExecutionId, days: i32) {
    sqlx::query("update execution set end_time = now() - make_interval(days => $2) where id = $1")
        .bind(id)
        .bind(days)
        .execute(&stage.db.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_young_stays() {
    let stage = Stage::set().await;
    over(&stage, "1", false).await;
    over(&stage, "2", true).await;
    run(&stage, "insert into schedule_fire (job_name, slot) values ('count', now() - interval '89 days')")
        .await;
    run(&stage, "update log set created_at = now() - interval '89 days'").await;
    assert_eq!(UPKEEP.round(&stage.db.pool()).await.unwrap(), 0);
}

#[tokio::test]
async fn old_lines_and_slots_go_in_portions() {
    let stage = Stage::set().await;
    over(&stage, "1", false).await;
    run(
        &stage,
        "insert into log (execution_id, level, message, created_at)
         select id, 'INFO', 'x', now() - interval '91 days' from execution, generate_series(1, 2500)",
    )
    .await;
    // The oldest lines have the smallest numbers, as they would.
    run(&stage, "update log set created_at = now() - interval '91 days' where message <> 'x'").await;
    run(&stage, "insert into log (execution_id, level, message) select id, 'INFO', 'young' from execution")
        .await;
    run(
        &stage,
        "insert into schedule_fire (job_name, slot, fired_at)
         select 'count', now() - interval '91 days' - minute * interval '1 minute', now() - interval '91 days'
         from generate_series(1, 2500) as minute",
    )
    .await;
    run(&stage, "insert into schedule_fire (job_name, slot) values ('count', now())").await;
    UPKEEP.round(&stage.db.pool()).await.unwrap();
    assert_eq!(count(&stage, "select count(*) from log").await, 1);
    assert_eq!(count(&stage, "select count(*) from schedule_fire").await, 1);
    assert_eq!(count(&stage, "select count(*) from execution").await, 1, "what ran is remembered");
}

#[tokio::test]
async fn dry_runs_go_with_all_that_they_left_and_real_runs_stay() {
    let stage = Stage::set().await;
    let (real, dry) = (over(&stage, "1", false).await, over(&stage, "1", true).await);
    for id in [real, dry] {
        end_days_ago(&stage, id, 8).await;
    }
    // A run that failed may go on, and its report with it.
    let failed = over(&stage, "2", false).await;
    sqlx::query("update execution set status = 'FAILED', end_time = now() - interval '8 days' where id = $1")
        .bind(failed)
        .execute(&stage.db.pool())
        .await
        .unwrap();
    UPKEEP.round(&stage.db.pool()).await.unwrap();
    let left: Vec<ExecutionId> =
        sqlx::query_scalar("select id from execution order by id").fetch_all(&stage.db.pool()).await.unwrap();
    assert_eq!(left, [real, failed]);
    assert_eq!(count(&stage, "select count(*) from step").await, 2);
    assert_eq!(count(&stage, "select count(*) from report_row").await, 2, "those of the run that failed");
    assert!(stage.try_start("1", true).await.is_ok(), "{JOB} can be tried again");
}

#[tokio::test]
async fn lines_of_a_report_go_once_a_later_execution_has_completed_it() {
    let stage = Stage::set().await;
    let failed = over(&stage, "1", false).await;
    sqlx::query("update execution set status = 'FAILED', end_time = now() - interval '3 days' where id = $1")
        .bind(failed)
        .execute(&stage.db.pool())
        .await
        .unwrap();
    let completed = over(&stage, "1", false).await;
    UPKEEP.round(&stage.db.pool()).await.unwrap();
    assert_eq!(count(&stage, "select count(*) from report_row").await, 2);
    end_days_ago(&stage, completed, 2).await;
    UPKEEP.round(&stage.db.pool()).await.unwrap();
    assert_eq!(count(&stage, "select count(*) from report_row").await, 0);
}
