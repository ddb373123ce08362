//! Chunks: what they commit, what they skip, and how often they are tried.

use std::sync::Arc;

use batch::engine::work::Run;
use batch::engine::{Chunks, Fault, Sizes, Step, Work as _};
use contract::batch::ExecutionStatus;
use serde_json::json;

use super::stage::{JOB, QUICK, Stage, job, step};
use super::world::numbers;

#[tokio::test]
async fn every_chunk_is_committed_once_with_its_cursor_counts_rows_and_summary() {
    let stage = Stage::set().await;
    let instance = stage.instance(job(vec![stage.counting(25, 10)]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!((&*ended.exit_code, ended.exit_message, ended.owner), ("COMPLETED", None, None));
    assert_eq!((ended.fence, ended.takeovers), (1, 0));
    assert_eq!(ended.summary, json!({ "sum": 300 }));
    let step = stage.step(id).await;
    assert_eq!((&*step.name, step.status), ("write", ExecutionStatus::Completed));
    assert_eq!((step.commit_count, step.read_count, step.write_count), (3, 25, 25));
    assert_eq!((step.filter_count, step.rollback_count, step.total_estimate), (0, 0, Some(25)));
    assert_eq!(step.context, json!({ "cursor": null, "chunk": 3, "size": 10 }));
    assert_eq!(stage.rows().await, [json!("0"), json!("10"), json!("20")]);
    assert_eq!(stage.world.written(), numbers(25));
    assert_eq!(stage.world.calls().len(), 3);
}

#[tokio::test]
async fn chunks_that_are_done_at_once_grow_and_keep_their_keys_apart() {
    let stage = Stage::set().await;
    let sizes = Sizes { first: 10, least: 1, most: 80 };
    let work = step("write", Chunks(stage.numbers(500)), sizes);
    let instance = stage.instance(job(vec![work]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    stage.becomes(id, ExecutionStatus::Completed).await;
    let commits = stage.step(id).await.commit_count;
    assert!((7..50).contains(&commits), "{commits} chunks");
    assert_eq!(stage.world.written(), numbers(500));
    assert_eq!(i64::try_from(stage.world.keys().len()).unwrap(), commits);
    let keys_name_the_instance =
        stage.world.keys().iter().all(|key| key.starts_with("batch.") && key.contains(".write.all."));
    assert!(keys_name_the_instance, "{:?}", stage.world.keys());
}

#[tokio::test]
async fn an_item_that_cannot_be_processed_is_skipped_and_kept() {
    let stage = Stage::set().await;
    stage.world.refuse_to_process([3, 14]);
    let work = Step { skip_limit: 2, ..stage.counting(20, 10) };
    let instance = stage.instance(job(vec![work]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!(ended.exit_code, "COMPLETED_WITH_SKIPS");
    let step = stage.step(id).await;
    assert_eq!((step.read_count, step.write_count, step.process_skip_count), (20, 18, 2));
    assert_eq!(
        stage.skipped(id).await,
        ["PROCESS 3: 3 is odd in its own way", "PROCESS 14: 14 is odd in its own way"]
    );
    let kept: serde_json::Value = sqlx::query_scalar("select item from skipped_item order by id limit 1")
        .fetch_one(&stage.db.pool())
        .await
        .unwrap();
    assert_eq!(kept, json!({ "part": null, "number": 3 }));
    let log = stage.log(id).await;
    assert!(log.contains(&"WARN write: skipped PROCESS of 3: 3 is odd in its own way".to_owned()), "{log:?}");
}

#[tokio::test]
async fn a_write_that_is_refused_is_repeated_one_by_one_to_find_the_bad_item() {
    let stage = Stage::set().await;
    stage.world.refuse_to_write([12]);
    let work = Step { skip_limit: 1, ..stage.counting(20, 5) };
    let instance = stage.instance(job(vec![work]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!(ended.exit_code, "COMPLETED_WITH_SKIPS");
    let step = stage.step(id).await;
    assert_eq!((step.commit_count, step.write_count, step.write_skip_count), (4, 19, 1));
    assert_eq!(stage.skipped(id).await, ["WRITE 12: 12 is refused"]);
    let expected: Vec<_> = numbers(20).into_iter().filter(|number| number != "12").collect();
    assert_eq!(stage.world.written(), expected);
    let one_by_one: Vec<_> =
        stage.world.calls()[3..8].iter().map(|key| key.rsplit(".all.").next().unwrap().to_owned()).collect();
    assert_eq!(one_by_one, ["2.0", "2.1", "2.2", "2.3", "2.4"]);
    assert_eq!(ended.summary, json!({ "sum": 190 - 12 }));
}

#[tokio::test]
async fn one_item_more_than_may_be_skipped_fails_the_step_and_leaves_the_chunk_uncommitted() {
    let stage = Stage::set().await;
    stage.world.refuse_to_process([1, 2, 11]);
    let work = Step { skip_limit: 2, ..stage.counting(30, 10) };
    let instance = stage.instance(job(vec![work]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Failed).await;
    let why = "more than 2 items would be skipped, among them PROCESS of 11: 11 is odd in its own way";
    assert_eq!(ended.exit_message, Some(format!("write: {why}")));
    let step = stage.step(id).await;
    assert_eq!((step.status, step.exit_message.as_deref()), (ExecutionStatus::Failed, Some(why)));
    assert_eq!((step.commit_count, step.read_count, step.process_skip_count), (1, 10, 2));
    assert_eq!(stage.skipped(id).await.len(), 2);
    // A restart may skip as many again.
    let id = stage.start().await;
    instance.runner.wake();
    stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!(stage.step(id).await.process_skip_count, 3);
    assert_eq!(stage.world.written().len(), 27);
}

#[tokio::test]
async fn what_there_is_nothing_to_do_about_is_counted_as_filtered() {
    let stage = Stage::set().await;
    let instance = stage.instance(job(vec![stage.counting(2001, 500)]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    stage.becomes(id, ExecutionStatus::Completed).await;
    let step = stage.step(id).await;
    assert_eq!((step.read_count, step.filter_count, step.write_count), (2001, 2, 1999));
    // The last chunk had nothing to write.
    assert_eq!(stage.world.calls().len(), 4);
}

#[tokio::test]
async fn a_skipped_item_is_tried_again_under_a_key_of_its_own() {
    let stage = Stage::set().await;
    let work = Chunks(stage.numbers(1));
    let run = Run {
        execution: chassis::fresh_id(),
        instance: chassis::fresh_id(),
        job: JOB,
        step: "write",
        parameters: Arc::default(),
        as_of: "2026-03-01T00:00:00Z".parse().unwrap(),
        dry_run: false,
        summary: Arc::default(),
    };
    let item = |number: u64| json!({ "part": null, "number": number });
    work.redrive(&run, &item(5)).await.unwrap();
    work.redrive(&run, &item(5)).await.unwrap();
    work.redrive(&run, &item(6)).await.unwrap();
    // Nothing to do about it any more.
    work.redrive(&run, &item(1000)).await.unwrap();
    assert_eq!(stage.world.written(), ["5", "6"]);
    let prefix = format!("batch.{}.write.redrive.", run.instance);
    assert!(stage.world.calls().iter().all(|key| key.starts_with(&prefix)), "{:?}", stage.world.calls());
    stage.world.refuse_to_write([7]);
    assert!(matches!(work.redrive(&run, &item(7)).await, Err(Fault::Item { .. })));
}
