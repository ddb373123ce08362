//! Chunks that come to nothing.

use std::time::Duration;

use batch::engine::runner::Settings;
use batch::engine::{Chunk, Fault, Sizes};
use contract::batch::ExecutionStatus;
use testkit::eventually;

use super::stage::{LIMIT, QUICK, Says, Stage, job, step};
use super::world::numbers;

fn away() -> Fault {
    Fault::transient(anyhow::anyhow!("connection refused").context("chat did not answer"))
}

#[tokio::test]
async fn a_chunk_that_may_work_later_is_tried_again_as_it_was() {
    let stage = Stage::set().await;
    stage.world.fail([away()]);
    let instance = stage.instance(job(vec![stage.counting(20, 10)]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    stage.becomes(id, ExecutionStatus::Completed).await;
    let step = stage.step(id).await;
    assert_eq!((step.commit_count, step.rollback_count, step.read_count), (2, 1, 20));
    let calls = stage.world.calls();
    assert_eq!((calls.len(), &calls[0]), (3, &calls[1]));
    assert_eq!(stage.world.written(), numbers(20));
    let log = stage.log(id).await;
    let told = |line: &String| {
        line.starts_with("WARN write: attempt 1 failed, the next in ")
            && line.ends_with(": chat did not answer: connection refused")
    };
    assert!(log.iter().any(told), "{log:?}");
}

#[tokio::test]
async fn a_step_whose_chunk_never_works_fails_when_patience_ends() {
    let stage = Stage::set().await;
    stage.world.fail((0..3).map(|_| away()));
    let patience = Duration::from_millis(1);
    let instance = stage.instance(job(vec![stage.counting(20, 10)]), Settings { patience, ..QUICK });
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Failed).await;
    assert_eq!(
        ended.exit_message.as_deref(),
        Some("write: given up after 2 attempts in 0 s: chat did not answer: connection refused")
    );
}

#[tokio::test]
async fn what_never_works_fails_at_once_with_its_whole_cause() {
    let stage = Stage::set().await;
    stage.world.fail([Fault::fatal(anyhow::anyhow!("no such route").context("chat refused"))]);
    let instance = stage.instance(job(vec![stage.counting(20, 10)]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Failed).await;
    assert_eq!(ended.exit_code, "FAILED");
    assert_eq!(ended.exit_message.as_deref(), Some("write: chat refused: no such route"));
    assert_eq!(stage.world.calls().len(), 1);
    let last = stage.log(id).await.pop().unwrap();
    assert_eq!(last, "ERROR FAILED: write: chat refused: no such route");
}

#[tokio::test]
async fn an_endless_cause_is_cut_and_what_postgresql_cannot_store_is_left_out() {
    let stage = Stage::set().await;
    stage.world.fail([Fault::fatal(anyhow::anyhow!("가\0".repeat(5000)))]);
    let instance = stage.instance(job(vec![stage.counting(20, 10)]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Failed).await;
    let message = ended.exit_message.unwrap();
    assert_eq!(message.chars().count(), 2500);
    assert!(message.starts_with("write: 가가"), "{message}");
}

#[tokio::test]
async fn a_step_that_panics_fails_and_the_process_lives() {
    let stage = Stage::set().await;
    let panics = Says(|_: &_| -> Result<Chunk, Fault> { panic!("on purpose") });
    let instance = stage.instance(job(vec![step("panics", panics, Sizes::fixed(1))]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Failed).await;
    assert_eq!(ended.exit_message.as_deref(), Some("panics: it panicked: on purpose"));
    let next = stage.start_as("2").await;
    stage.becomes(next, ExecutionStatus::Failed).await;
}

#[tokio::test]
async fn what_the_database_refuses_fails_the_step() {
    let stage = Stage::set().await;
    let refused = Says(|_: &_| Ok(Chunk { rows: vec!["\0".into()], ..Chunk::default() }));
    let instance = stage.instance(job(vec![step("tells", refused, Sizes::fixed(1))]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Failed).await;
    let message = ended.exit_message.unwrap();
    assert!(message.starts_with("tells: batch_db refused the chunk: "), "{message}");
}

#[tokio::test]
async fn whoever_waits_for_the_next_attempt_stops_when_asked() {
    let stage = Stage::set().await;
    let hour = Some(Duration::from_hours(1));
    stage.world.fail([Fault::Transient { source: anyhow::anyhow!("later"), retry_after: hour }]);
    let instance = stage.instance(job(vec![stage.counting(20, 10)]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    eventually(LIMIT, || async { stage.log(id).await.iter().any(|line| line.contains("attempt 1")) }).await;
    stage.stop(id).await;
    stage.becomes(id, ExecutionStatus::Stopped).await;
    assert_eq!(stage.step(id).await.commit_count, 0);
}
