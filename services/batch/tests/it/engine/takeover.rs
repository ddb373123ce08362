//! Owners that vanish, and two instances on one database.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use batch::engine::runner::{AT_ONCE, Settings};
use batch::engine::{Chunk, Fault, Place, Sizes, Work};
use chrono::{DateTime, Utc};
use contract::batch::ExecutionStatus;
use contract::id::ExecutionId;
use futures_util::future::BoxFuture;
use testkit::eventually;

use super::stage::{LIMIT, QUICK, SHORT, Stage, job, step};
use super::world::numbers;

#[tokio::test]
async fn another_goes_on_at_the_last_committed_chunk_of_an_owner_that_vanished() {
    let stage = Stage::set().await;
    stage.world.let_through(2);
    let first = stage.instance(job(vec![stage.counting(40, 10)]), SHORT);
    let id = stage.start().await;
    first.runner.wake();
    eventually(LIMIT, || async { stage.world.come() == 3 }).await;
    let former = stage.seen(id).await.owner.unwrap();
    first.kill().await;
    stage.world.let_go();
    let _second = stage.instance(job(vec![stage.counting(40, 10)]), SHORT);
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!((ended.takeovers, ended.fence), (1, 2));
    let step = stage.step(id).await;
    assert_eq!((step.commit_count, step.read_count), (4, 40));
    assert_eq!(stage.world.written(), numbers(40));
    assert_eq!(stage.world.calls().len(), 4, "only what was not committed is done again");
    let taken = format!("WARN taken over from {former} by ");
    let log = stage.log(id).await;
    assert!(log.iter().any(|line| line.starts_with(&taken)), "{log:?}");
}

/// Done elsewhere, and killed before that could be written here.
#[tokio::test]
async fn a_chunk_that_was_done_and_not_committed_is_done_again_under_its_key() {
    let stage = Stage::set().await;
    let lock = stage.db.pool().begin().await.unwrap();
    let mut lock = lock;
    let first = stage.instance(job(vec![stage.counting(20, 10)]), SHORT);
    stage.world.let_through(1);
    let id = stage.start().await;
    first.runner.wake();
    eventually(LIMIT, || async { stage.world.come() == 2 }).await;
    // Its next commit waits here until it is dead.
    sqlx::query("select from step for update").execute(&mut *lock).await.unwrap();
    stage.world.let_go();
    eventually(LIMIT, || async { stage.world.calls().len() == 2 }).await;
    eventually(LIMIT, || async { waiting_for_locks(&stage).await > 0 }).await;
    first.kill().await;
    lock.rollback().await.unwrap();
    let _second = stage.instance(job(vec![stage.counting(20, 10)]), SHORT);
    stage.becomes(id, ExecutionStatus::Completed).await;
    let calls = stage.world.calls();
    assert!(calls.len() == 2 || (calls.len() == 3 && calls[1] == calls[2]), "{calls:?}");
    assert_eq!(stage.world.written(), numbers(20));
    let step = stage.step(id).await;
    assert_eq!((step.commit_count, step.read_count), (2, 20));
}

async fn waiting_for_locks(stage: &Stage) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    )
    .fetch_one(&stage.db.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn an_owner_that_lives_keeps_what_it_runs_however_long_a_chunk_takes() {
    let stage = Stage::set().await;
    stage.world.let_through(0);
    let first = stage.instance(job(vec![stage.counting(20, 10)]), SHORT);
    let id = stage.start().await;
    first.runner.wake();
    eventually(LIMIT, || async { stage.world.come() == 1 }).await;
    let owner = stage.seen(id).await.owner;
    let _second = stage.instance(job(vec![stage.counting(20, 10)]), SHORT);
    let until = || async {
        sqlx::query_scalar::<_, DateTime<Utc>>("select lease_until from execution")
            .fetch_one(&stage.db.pool())
            .await
            .unwrap()
    };
    let leased = until().await;
    // Twice as long as it could have lasted without a sign of life.
    eventually(LIMIT, || async { until().await > leased + 2 * SHORT.lease }).await;
    assert_eq!(stage.seen(id).await.owner, owner);
    stage.world.let_go();
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!((ended.takeovers, stage.world.come()), (0, 2));
}

/// Notices when an execution is worked on by two at once.
struct Alone {
    busy: Arc<Mutex<BTreeSet<ExecutionId>>>,
}

impl Work for Alone {
    fn chunk<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(async move {
            let id = place.run.execution;
            assert!(self.busy.lock().unwrap().insert(id), "two work on {id}");
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            self.busy.lock().unwrap().remove(&id);
            Ok(Chunk { next: (place.chunk < 9).then(|| place.chunk.into()), ..Chunk::default() })
        })
    }
}

#[tokio::test]
async fn two_instances_share_the_executions_and_never_run_one_at_once() {
    let stage = Stage::set().await;
    let busy = Arc::<Mutex<BTreeSet<ExecutionId>>>::default();
    let alone = || job(vec![step("alone", Alone { busy: busy.clone() }, Sizes::fixed(1))]);
    let mut ids = Vec::new();
    for run in 0..20 {
        ids.push(stage.start_as(&run.to_string()).await);
    }
    let _instances = [stage.instance(alone(), QUICK), stage.instance(alone(), QUICK)];
    for id in ids {
        let ended = stage.becomes(id, ExecutionStatus::Completed).await;
        assert_eq!((ended.fence, stage.step(id).await.commit_count), (1, 10));
    }
}

#[tokio::test]
async fn an_instance_runs_few_at_once_the_oldest_first() {
    let stage = Stage::set().await;
    stage.world.let_through(0);
    let mut ids = Vec::new();
    for run in 0..AT_ONCE + 2 {
        ids.push(stage.start_as(&run.to_string()).await);
    }
    let _instance = stage.instance(job(vec![stage.counting(1, 1)]), QUICK);
    eventually(LIMIT, || async { stage.world.come() == AT_ONCE }).await;
    for (place, id) in ids.iter().enumerate() {
        let status = if place < AT_ONCE { ExecutionStatus::Started } else { ExecutionStatus::Starting };
        assert_eq!(stage.seen(*id).await.status, status, "{place}");
    }
    stage.world.let_go();
    for id in ids {
        stage.becomes(id, ExecutionStatus::Completed).await;
    }
}

#[tokio::test]
async fn an_instance_leaves_jobs_that_it_does_not_know_to_others() {
    let stage = Stage::set().await;
    let _older = stage
        .instance(batch::engine::Registry::new(vec![]), Settings { poll: Duration::from_millis(1), ..QUICK });
    let id = stage.start().await;
    let _newer = stage.instance(job(vec![stage.counting(5, 10)]), QUICK);
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!(ended.fence, 1);
}
