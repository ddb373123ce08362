//! Several instances that look at the same time.

use std::time::Duration;

use batch::scheduler::round;
use contract::batch::{Concurrency, FireOutcome, Misfire};
use sqlx::{Connection as _, PgPool};
use tokio::task::JoinSet;

use super::fixture::{JOB, Stage, registry, slot};

/// Looks until nothing is due.
async fn instance(pool: PgPool) -> usize {
    let jobs = registry();
    let mut started = 0;
    loop {
        let done = round(&pool, &jobs, Duration::from_secs(1)).await.unwrap();
        started += done.started;
        if !done.more && done.wait > Duration::ZERO {
            return started;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_look_at_once_one_fires_a_slot() {
    let stage = Stage::set().await;
    let slots = stage.miss(350, Misfire::RunAll, Concurrency::Allow).await;
    let mut instances = JoinSet::new();
    for _ in 0..4 {
        instances.spawn(instance(stage.pool.clone()));
    }
    let started: usize = instances.join_all().await.into_iter().sum();
    assert_eq!(started, slots.len());
    let fired: Vec<_> = slots.iter().map(|slot| (*slot, FireOutcome::Fired)).collect();
    assert_eq!(stage.fires().await, fired);
    let begun: Vec<_> = slots.iter().map(|at| (slot(*at), "STARTING".to_owned())).collect();
    assert_eq!(stage.executions().await, begun);
}

#[tokio::test]
async fn what_another_instance_is_at_is_left_to_it() {
    let stage = Stage::set().await;
    stage.miss(1, Misfire::RunAll, Concurrency::Allow).await;
    let mut other = stage.pool.begin().await.unwrap();
    assert!(batch::repository::job::lock_due(&mut other, JOB).await.unwrap().is_some());
    let done = stage.look().await;
    assert_eq!((done.started, done.wait), (0, Duration::ZERO), "it looks again soon");
    // It dies, and its transaction with it.
    other.rollback().await.unwrap();
    assert_eq!(stage.look().await.started, 1);
}

#[tokio::test]
async fn a_slot_is_fired_together_with_its_execution_or_not_at_all() {
    let stage = Stage::set().await;
    stage.miss(2, Misfire::RunAll, Concurrency::Allow).await;
    let mut owner = sqlx::postgres::PgConnection::connect(&stage.db.owner_url()).await.unwrap();
    sqlx::query("alter table execution_parameter rename to elsewhere").execute(&mut owner).await.unwrap();
    let refused = round(&stage.pool, &stage.jobs, Duration::from_secs(1)).await;
    assert!(refused.unwrap_err().as_database_error().is_some());
    assert_eq!(stage.fires().await, []);
    sqlx::query("alter table elsewhere rename to execution_parameter").execute(&mut owner).await.unwrap();
    assert_eq!(stage.look().await.started, 2);
}
