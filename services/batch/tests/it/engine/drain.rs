//! Instances that are asked to end.

use contract::batch::ExecutionStatus;
use testkit::eventually;

use super::stage::{LIMIT, QUICK, Stage, job};
use super::world::numbers;

#[tokio::test]
async fn who_is_asked_to_end_finishes_the_chunk_and_hands_over_at_once() {
    let stage = Stage::set().await;
    stage.world.let_through(1);
    let first = stage.instance_with_drain(job(vec![stage.counting(40, 10)]), QUICK, "60");
    let id = stage.start().await;
    first.runner.wake();
    eventually(LIMIT, || async { stage.world.come() == 2 }).await;
    first.stop();
    stage.world.let_through(1);
    // The lease would last for minutes.
    eventually(LIMIT, || async { stage.seen(id).await.owner.is_none() }).await;
    assert_eq!(stage.step(id).await.commit_count, 2);
    stage.world.let_go();
    let _second = stage.instance(job(vec![stage.counting(40, 10)]), QUICK);
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!((ended.takeovers, ended.fence), (0, 2), "nobody was lost");
    assert_eq!(stage.world.calls().len(), 4);
    assert_eq!(stage.world.written(), numbers(40));
    let log = stage.log(id).await;
    assert!(log.iter().any(|line| line.starts_with("INFO given back by ")), "{log:?}");
    assert!(log.iter().any(|line| line.starts_with("INFO taken up again by ")), "{log:?}");
}

#[tokio::test]
async fn a_chunk_that_outlasts_the_drain_is_handed_over_as_it_is() {
    let stage = Stage::set().await;
    stage.world.let_through(1);
    let first = stage.instance_with_drain(job(vec![stage.counting(40, 10)]), QUICK, "1");
    let id = stage.start().await;
    first.runner.wake();
    eventually(LIMIT, || async { stage.world.come() == 2 }).await;
    first.stop();
    eventually(LIMIT, || async { stage.seen(id).await.owner.is_none() }).await;
    assert_eq!(stage.step(id).await.commit_count, 1);
    stage.world.let_go();
    let _second = stage.instance(job(vec![stage.counting(40, 10)]), QUICK);
    stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!(stage.world.written(), numbers(40));
}

#[tokio::test]
async fn who_is_asked_to_end_takes_nothing_new() {
    let stage = Stage::set().await;
    let first = stage.instance(job(vec![stage.counting(10, 10)]), QUICK);
    first.stop();
    let id = stage.start().await;
    first.runner.wake();
    let second = stage.instance(job(vec![stage.counting(10, 10)]), QUICK);
    second.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!(ended.fence, 1);
}
