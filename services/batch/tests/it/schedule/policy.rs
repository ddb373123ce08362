//! What becomes of slots that were missed, and of slots while an execution runs.

use chrono::TimeDelta;
use contract::batch::{Concurrency, FireOutcome, Misfire};

use super::fixture::{JOB, OTHER, Stage, slot};

#[tokio::test]
async fn missed_slots_are_dropped_when_they_are_to_be_skipped() {
    let stage = Stage::set().await;
    let slots = stage.miss(3, Misfire::Skip, Concurrency::Allow).await;
    let done = stage.look().await;
    assert_eq!((done.started, done.more), (0, false));
    let missed: Vec<_> = slots.iter().map(|slot| (*slot, FireOutcome::Missed)).collect();
    assert_eq!(stage.fires().await, missed);
    assert_eq!(stage.executions().await, []);
    assert_eq!(stage.next().await, Some(slots[2] + TimeDelta::hours(1)));
}

#[tokio::test]
async fn the_newest_of_missed_slots_makes_up_for_all() {
    let stage = Stage::set().await;
    let slots = stage.miss(3, Misfire::RunOnce, Concurrency::Forbid).await;
    assert_eq!(stage.look().await.started, 1);
    let (missed, fired) = (FireOutcome::Missed, FireOutcome::Fired);
    assert_eq!(stage.fires().await, [(slots[0], missed), (slots[1], missed), (slots[2], fired)]);
    assert_eq!(stage.executions().await, [(slot(slots[2]), "STARTING".to_owned())]);
    let begun: (chrono::DateTime<chrono::Utc>, String, bool) = sqlx::query_as(
        "select as_of, triggered_by, execution.id = schedule_fire.execution_id
         from execution
         join job_instance on job_instance.id = instance_id
         join schedule_fire on schedule_fire.job_name = execution.job_name and slot = as_of",
    )
    .fetch_one(&stage.pool)
    .await
    .unwrap();
    assert_eq!(begun, (slots[2], "schedule".to_owned(), true), "now means the slot to it");
    assert_eq!(stage.look().await.started, 0, "nothing is due any more");
}

#[tokio::test]
async fn all_missed_slots_fire_a_hundred_at_a_time() {
    let stage = Stage::set().await;
    let slots = stage.miss(230, Misfire::RunAll, Concurrency::Allow).await;
    for expected in [(100, true), (100, true), (30, false), (0, false)] {
        let done = stage.look().await;
        assert_eq!((done.started, done.more), expected);
    }
    let fired: Vec<_> = slots.iter().map(|slot| (*slot, FireOutcome::Fired)).collect();
    assert_eq!(stage.fires().await, fired);
    let begun: Vec<_> = slots.iter().map(|at| (slot(*at), "STARTING".to_owned())).collect();
    assert_eq!(stage.executions().await, begun);
}

#[tokio::test]
async fn a_month_that_was_missed_is_recorded_by_its_newest_slots() {
    let stage = Stage::set().await;
    let slots = stage.miss(720, Misfire::Skip, Concurrency::Allow).await;
    assert_eq!(stage.look().await.started, 0);
    let recorded: Vec<_> = slots[620..].iter().map(|slot| (*slot, FireOutcome::Missed)).collect();
    assert_eq!(stage.fires().await, recorded);
}

#[tokio::test]
async fn a_slot_is_forbidden_while_an_execution_runs() {
    let stage = Stage::set().await;
    let slots = stage.miss(3, Misfire::RunAll, Concurrency::Forbid).await;
    assert_eq!(stage.look().await.started, 1);
    let (forbidden, fired) = (FireOutcome::Forbidden, FireOutcome::Fired);
    assert_eq!(stage.fires().await, [(slots[0], fired), (slots[1], forbidden), (slots[2], forbidden)]);
    assert_eq!(stage.executions().await, [(slot(slots[0]), "STARTING".to_owned())]);
}

#[tokio::test]
async fn a_dry_run_stands_in_nobodys_way() {
    let stage = Stage::set().await;
    stage.miss(1, Misfire::RunOnce, Concurrency::Forbid).await;
    let start = batch::repository::execution::Start {
        job: JOB,
        parameters: &[],
        dry_run: true,
        triggered_by: "operator",
        as_of: chrono::Utc::now(),
    };
    batch::repository::execution::start(&mut stage.pool.acquire().await.unwrap(), &start).await.unwrap();
    assert_eq!(stage.look().await.started, 1);
}

#[tokio::test]
async fn what_runs_is_replaced_by_what_is_due() {
    let stage = Stage::set().await;
    let slots = stage.miss(2, Misfire::RunAll, Concurrency::Replace).await;
    assert_eq!(stage.look().await.started, 2);
    let executions = stage.executions().await;
    // Nobody ran the first: it is over at once.
    let expected = [(slot(slots[0]), "STOPPED".to_owned()), (slot(slots[1]), "STARTING".to_owned())];
    assert_eq!(executions, expected);
    let fired: Vec<_> = slots.iter().map(|slot| (*slot, FireOutcome::Fired)).collect();
    assert_eq!(stage.fires().await, fired);
}

#[tokio::test]
async fn a_clock_that_goes_back_fires_no_slot_again() {
    let stage = Stage::set().await;
    let slots = stage.miss(3, Misfire::RunAll, Concurrency::Allow).await;
    assert_eq!(stage.look().await.started, 3);
    // As if the next time had been computed by a clock that was behind.
    stage.miss(4, Misfire::RunAll, Concurrency::Allow).await;
    assert_eq!(stage.look().await.started, 1, "only the one before them is new");
    assert_eq!(stage.executions().await.len(), 4);
    assert_eq!(stage.next().await, Some(slots[2] + TimeDelta::hours(1)));
}

#[tokio::test]
async fn a_slot_fires_with_the_jobs_defaults() {
    let stage = Stage::set().await;
    sqlx::query("update batch_job set next_fire_at = '2026-01-01T18:30:00Z' where name = $1")
        .bind(OTHER)
        .execute(&stage.pool)
        .await
        .unwrap();
    assert_eq!(stage.look().await.started, 1);
    let parameters: Vec<(String, String)> =
        sqlx::query_as("select name, value from execution_parameter where name <> 'slot'")
            .fetch_all(&stage.pool)
            .await
            .unwrap();
    assert_eq!(parameters, [("limit".to_owned(), "100".to_owned())]);
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_rests_and_holds_up_no_other() {
    let stage = Stage::set().await;
    stage.miss(1, Misfire::RunAll, Concurrency::Allow).await;
    sqlx::query(
        "update batch_job set cron = 'nonsense', next_fire_at = '2026-01-01T00:00:00Z' where name = $1",
    )
    .bind(OTHER)
    .execute(&stage.pool)
    .await
    .unwrap();
    assert_eq!(stage.look().await.started, 1);
    let next: Option<chrono::DateTime<chrono::Utc>> =
        sqlx::query_scalar("select next_fire_at from batch_job where name = $1")
            .bind(OTHER)
            .fetch_one(&stage.pool)
            .await
            .unwrap();
    assert_eq!(next, None);
}
