//! Owners that were overtaken and do not know it.

use std::collections::BTreeMap;
use std::time::Duration;

use batch::engine::runner::Settings;
use batch::engine::{Counts, Skipped};
use batch::repository::claim;
use batch::repository::commit::{self, Commit};
use batch::repository::end::{self, Ending};
use batch::repository::fence::{Fence, FenceError};
use batch::repository::log::{self, Line};
use batch::repository::step::{self, Context, NewRow, Plan};
use contract::batch::{ExecutionStatus, LogLevel, SkippedPhase};
use contract::id::ExecutionId;
use serde_json::{Value, json};
use testkit::eventually;
use uuid::Uuid;

use super::point;
use super::stage::{JOB, LIMIT, QUICK, Stage, job};
use super::world::numbers;

/// Everything that an owner may write.
async fn everything(stage: &Stage) -> Value {
    sqlx::query_scalar(
        "select jsonb_build_object(
           'executions', (select jsonb_agg(to_jsonb(execution) order by id) from execution),
           'steps', (select jsonb_agg(to_jsonb(step) order by id) from step),
           'log', (select jsonb_agg(to_jsonb(log) order by id) from log),
           'skipped', (select jsonb_agg(to_jsonb(skipped_item) order by id) from skipped_item),
           'rows', (select jsonb_agg(to_jsonb(report_row) order by id) from report_row)
         )",
    )
    .fetch_one(&stage.db.pool())
    .await
    .unwrap()
}

/// Takes it up, as an instance would.
async fn claim_as(stage: &Stage, owner: &str) -> Fence {
    let lease = Duration::from_mins(10);
    let claimed = claim::claim(&stage.db.pool(), owner, lease, &[JOB.to_owned()], 1).await.unwrap();
    Fence { execution: claimed[0].id, number: claimed[0].fence, owner: owner.into() }
}

async fn expire(stage: &Stage) {
    sqlx::query("update execution set lease_until = now() - interval '1 second'")
        .execute(&stage.db.pool())
        .await
        .unwrap();
}

async fn plan(stage: &Stage, fence: &Fence, name: &str) -> Result<(), FenceError> {
    let parts = [NewRow { name: name.to_owned(), total: None }];
    step::plan(&stage.db.pool(), fence, &Plan { step: name, position: 0, size: 1, parts: &parts }).await
}

async fn commit(stage: &Stage, fence: &Fence, row: Uuid) -> Result<commit::Moved, FenceError> {
    let skipped =
        [Skipped { phase: SkippedPhase::Write, key: "k".to_owned(), item: json!(1), error: "e".to_owned() }];
    let commit = Commit {
        row,
        chunk: 0,
        next: &Context { cursor: Some(json!(1)), chunk: 1, size: 1, prepared: None },
        last: true,
        counts: Counts { read: 1, filtered: 1, written: 1 },
        total: Some(1),
        items_per_second: 1.0,
        summary: &BTreeMap::from([("sum".to_owned(), 1)]),
        rows: &[json!("row")],
        skipped: &skipped,
        exit_code: Some("COMPLETED_WITH_DIFFERENCES"),
    };
    let mut tx = stage.db.pool().begin().await.unwrap();
    let moved = commit::advance(&mut tx, fence, &commit).await;
    // As if it did not look at the answer.
    tx.commit().await.unwrap();
    moved
}

#[tokio::test]
async fn no_statement_of_an_owner_that_was_overtaken_changes_anything() {
    let stage = Stage::set().await;
    stage.start().await;
    let old = claim_as(&stage, "old").await;
    plan(&stage, &old, "write").await.unwrap();
    let row: Uuid = sqlx::query_scalar("select id from step").fetch_one(&stage.db.pool()).await.unwrap();
    expire(&stage).await;
    let new = claim_as(&stage, "new").await;
    let same_number = Fence { number: new.number, ..old.clone() };
    let before = everything(&stage).await;
    let line = Line { step: None, level: LogLevel::Info, message: "I am here" };
    let ending = Ending { status: ExecutionStatus::Completed, message: None, failed: &[] };
    for fence in [&old, &same_number] {
        let db = &stage.db.pool();
        assert!(matches!(commit(&stage, fence, row).await, Err(FenceError::Lost)));
        assert!(matches!(plan(&stage, fence, "other").await, Err(FenceError::Lost)));
        assert!(matches!(step::begin(db, fence, row).await, Err(FenceError::Lost)));
        assert!(matches!(log::retry(db, fence, Some(row), &line).await, Err(FenceError::Lost)));
        let mut connection = db.acquire().await.unwrap();
        assert!(matches!(end::end(&mut connection, fence, &ending).await, Err(FenceError::Lost)));
        assert!(!claim::release(db, fence).await.unwrap());
        let held = [(fence.execution, fence.number)];
        let renewed = claim::renew(db, &fence.owner, Duration::from_secs(1), &held).await.unwrap();
        assert!(renewed.is_empty(), "{renewed:?}");
    }
    assert_eq!(everything(&stage).await, before);
    // The new owner may, and its chunk counts once.
    assert!(commit(&stage, &new, row).await.unwrap().moved);
    assert!(!commit(&stage, &new, row).await.unwrap().moved);
}

#[tokio::test]
async fn a_chunk_that_was_done_by_a_zombie_is_not_committed_by_it() {
    point::hear();
    let stage = Stage::set().await;
    stage.world.let_through(1);
    // It hears nothing of its loss before it tries to commit.
    let deaf = Settings { heartbeat: Duration::from_mins(10), poll: Duration::from_mins(10), ..QUICK };
    let zombie = stage.instance(job(vec![stage.counting(30, 10)]), deaf);
    let id = stage.start().await;
    zombie.runner.wake();
    eventually(LIMIT, || async { stage.world.come() == 2 }).await;
    steal(&stage, id).await;
    let before = everything(&stage).await;
    stage.world.let_through(1);
    let calls = || point::reached().iter().filter(|point| *point == "written").count();
    eventually(LIMIT, || async { calls() == 2 }).await;
    eventually(LIMIT, || async { zombie.runner.running() == 0 }).await;
    assert_eq!(everything(&stage).await, before);
    let committed = point::reached().iter().filter(|point| *point == "committed").count();
    assert_eq!(committed, 1);
    // The thief is dead, and whoever follows does the chunk again.
    expire(&stage).await;
    stage.world.let_go();
    let _heir = stage.instance(job(vec![stage.counting(30, 10)]), QUICK);
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!((ended.fence, stage.step(id).await.commit_count), (3, 3));
    assert_eq!(stage.world.written(), numbers(30));
}

async fn steal(stage: &Stage, id: ExecutionId) {
    sqlx::query(
        "update execution
         set owner = 'thief', fence = fence + 1, lease_until = now() + interval '10 minutes' where id = $1",
    )
    .bind(id)
    .execute(&stage.db.pool())
    .await
    .unwrap();
}
