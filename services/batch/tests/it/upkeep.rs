//! Upkeep: what a job that runs every minute leaves behind does not stay for ever.

use batch::upkeep::UPKEEP;
use sqlx::PgPool;
use testkit::TestDb;

/// Executions of `job` that a schedule began so many days ago, one a minute; the first `reported` have a report.
async fn fill(db: &PgPool, job: &str, executions: i32, days: i32, reported: i32) {
    sqlx::query(
        "with job as (
           insert into batch_job (name, description) values ($1, '') on conflict (name) do nothing
         ),
         made as (
           select
             gen_random_uuid() as instance,
             gen_random_uuid() as execution,
             now() - make_interval(days => $3, mins => n) as at,
             n
           from generate_series(1, $2) n
         ),
         instance as (
           insert into job_instance (id, job_name, job_key)
           select instance, $1, sha256(instance::text::bytea) from made
         ),
         execution as (
           insert into execution (id, instance_id, job_name, status, exit_code, create_time, end_time)
           select execution, instance, $1, 'COMPLETED', 'COMPLETED', at, at from made
         ),
         step as (
           insert into step (id, execution_id, name) select gen_random_uuid(), execution, 'sweep' from made
         ),
         log as (
           insert into log (execution_id, level, message) select execution, 'INFO', 'done' from made
         )
         insert into report
           (id, job_name, instance_id, execution_id, period_start, period_end, json_path, csv_path)
         select gen_random_uuid(), $1, instance, execution, at - interval '1 minute', at, 'a', 'b'
         from made
         where n <= $4",
    )
    .bind(job)
    .bind(executions)
    .bind(days)
    .bind(reported)
    .execute(db)
    .await
    .unwrap();
}

async fn count(db: &PgPool, table: &'static str) -> i64 {
    let sql = format!("select count(*) from {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn scheduled_executions_that_left_nothing_go_after_a_week() {
    let db = TestDb::new("batch_db").await;
    let pool = db.pool();
    fill(&pool, "order-expiry", 250, 8, 3).await;
    fill(&pool, "order-expiry", 5, 6, 0).await;
    assert_eq!(UPKEEP.round(&pool).await.unwrap(), 247);
    for table in ["execution", "job_instance", "step", "log"] {
        assert_eq!(count(&pool, table).await, 8, "{table}");
    }
    assert_eq!(count(&pool, "report").await, 3);
    assert_eq!(UPKEEP.round(&pool).await.unwrap(), 0);
}

#[tokio::test]
async fn the_newest_and_what_did_not_go_well_stay() {
    let db = TestDb::new("batch_db").await;
    let pool = db.pool();
    fill(&pool, "token-cleanup", 3, 100, 0).await;
    fill(&pool, "order-expiry", 4, 50, 0).await;
    sqlx::query(
        "update execution
         set
           exit_code = case when n = 1 then 'COMPLETED_WITH_SKIPS' else exit_code end,
           triggered_by = case when n = 2 then 'operator' else triggered_by end
         from (
           select id, row_number() over (order by create_time) as n
           from execution
           where job_name = 'order-expiry'
         ) as numbered
         where execution.id = numbered.id",
    )
    .execute(&pool)
    .await
    .unwrap();
    UPKEEP.round(&pool).await.unwrap();
    assert_eq!(count(&pool, "execution where job_name = 'token-cleanup'").await, 1);
    assert_eq!(count(&pool, "execution where job_name = 'order-expiry'").await, 3);
    assert_eq!(count(&pool, "job_instance").await, 4);
}

#[tokio::test]
async fn dry_runs_go_after_a_week_and_their_reports_stay() {
    let db = TestDb::new("batch_db").await;
    let pool = db.pool();
    fill(&pool, "daily-report", 3, 8, 1).await;
    sqlx::query("update execution set dry_run = true").execute(&pool).await.unwrap();
    fill(&pool, "daily-report", 2, 6, 0).await;
    UPKEEP.round(&pool).await.unwrap();
    let left =
        [count(&pool, "execution").await, count(&pool, "job_instance").await, count(&pool, "report").await];
    assert_eq!(left, [2, 3, 1]);
}
