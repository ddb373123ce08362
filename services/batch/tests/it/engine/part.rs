//! Parts of a step, side by side.

use std::sync::atomic::{AtomicUsize, Ordering};

use batch::engine::{Chunk, Chunks, Fault, Part, Place, Sizes, Step, Work, work::Run};
use contract::batch::ExecutionStatus;
use futures_util::future::BoxFuture;
use serde_json::json;
use testkit::eventually;

use super::stage::{LIMIT, QUICK, SHORT, Says, Stage, job, step};
use super::world::Numbers;

const PARTS: &[&str] = &["2026-01", "2026-02", "2026-03"];

fn in_parts(stage: &Stage, total: u64, parallel: usize) -> Step {
    let numbers = Numbers { parts: PARTS, ..stage.numbers(total) };
    Step { parallel, ..step("write", Chunks(numbers), Sizes::fixed(10)) }
}

fn expected(total: u64) -> usize {
    PARTS.len() * usize::try_from(total).unwrap()
}

#[tokio::test]
async fn as_many_parts_as_allowed_run_at_once_and_all_are_counted() {
    let stage = Stage::set().await;
    stage.world.let_through(0);
    let instance = stage.instance(job(vec![in_parts(&stage, 95, 2)]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    eventually(LIMIT, || async { stage.world.come() == 2 }).await;
    let statuses: Vec<_> = stage.steps(id).await.into_iter().map(|part| part.status).collect();
    assert_eq!(statuses, [ExecutionStatus::Started, ExecutionStatus::Started, ExecutionStatus::Starting]);
    stage.world.let_go();
    let ended = stage.becomes(id, ExecutionStatus::Completed).await;
    assert_eq!(ended.summary, json!({ "sum": 3 * (94 * 95 / 2) }));
    let parts = stage.steps(id).await;
    for (part, name) in parts.iter().zip(PARTS) {
        assert_eq!(part.name, format!("write:{name}"));
        assert_eq!((part.commit_count, part.read_count, part.total_estimate), (10, 95, Some(95)));
    }
    assert_eq!(stage.world.written().len(), expected(95));
    assert_eq!(stage.rows().await.len(), 30);
    let log = stage.log(id).await;
    let complete =
        "INFO write: complete: 285 read, 0 filtered, 285 written, 0 skipped in 30 chunks".to_owned();
    assert_eq!(log.iter().filter(|line| **line == complete).count(), 1, "{log:?}");
}

#[tokio::test]
async fn when_one_part_fails_the_others_stop_at_their_next_commit() {
    let stage = Stage::set().await;
    stage.world.let_through(0);
    stage.world.fail([Fault::fatal(anyhow::anyhow!("not this month"))]);
    let instance = stage.instance(job(vec![in_parts(&stage, 95, 3)]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    eventually(LIMIT, || async { stage.world.come() == 3 }).await;
    stage.world.let_through(1);
    eventually(LIMIT, || async { stage.world.calls().len() == 1 }).await;
    stage.world.let_go();
    let ended = stage.becomes(id, ExecutionStatus::Failed).await;
    let parts = stage.steps(id).await;
    let failed: Vec<_> = parts.iter().filter(|part| part.status == ExecutionStatus::Failed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].exit_message.as_deref(), Some("not this month"));
    assert_eq!(ended.exit_message, Some(format!("{}: not this month", failed[0].name)));
    for part in parts.iter().filter(|part| part.status != ExecutionStatus::Failed) {
        assert_eq!((part.status, part.commit_count), (ExecutionStatus::Stopped, 1), "{part:?}");
    }
    let next = stage.start().await;
    instance.runner.wake();
    stage.becomes(next, ExecutionStatus::Completed).await;
    assert_eq!(stage.world.written().len(), expected(95));
    let reads: Vec<_> = stage.steps(next).await.into_iter().map(|part| part.read_count).collect();
    assert_eq!(reads, [95, 95, 95]);
}

#[tokio::test]
async fn items_skipped_in_all_parts_together_count_against_the_limit() {
    let stage = Stage::set().await;
    stage.world.refuse_to_process([5]);
    let work = Step { skip_limit: 2, ..in_parts(&stage, 10, 3) };
    let instance = stage.instance(job(vec![work]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Failed).await;
    let message = ended.exit_message.unwrap();
    assert!(message.contains("more than 2 items would be skipped"), "{message}");
    assert_eq!(stage.skipped(id).await.len(), 2);
}

#[tokio::test]
async fn a_step_without_parts_is_complete() {
    let stage = Stage::set().await;
    let none = Parted { parts: vec![], asked: AtomicUsize::new(0) };
    let jobs = job(vec![step("nothing", none, Sizes::fixed(1)), stage.counting(5, 10)]);
    let instance = stage.instance(jobs, QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    stage.becomes(id, ExecutionStatus::Completed).await;
    let steps = stage.steps(id).await;
    assert_eq!((&*steps[0].name, steps[0].status), ("nothing", ExecutionStatus::Completed));
    assert_eq!((steps[0].commit_count, steps[1].commit_count), (0, 1));
    assert!(stage.log(id).await.contains(&"INFO nothing: nothing to do".to_owned()));
}

struct Parted {
    parts: Vec<Part>,
    asked: AtomicUsize,
}

impl Work for Parted {
    fn parts<'a>(&'a self, _run: &'a Run) -> BoxFuture<'a, Result<Vec<Part>, Fault>> {
        assert_eq!(self.asked.fetch_add(1, Ordering::SeqCst), 0, "parts are asked for once");
        Box::pin(async { Ok(self.parts.clone()) })
    }

    fn chunk<'a>(&'a self, _place: &'a Place) -> BoxFuture<'a, Result<Chunk, Fault>> {
        Box::pin(async { Ok(Chunk::default()) })
    }
}

#[tokio::test]
async fn parts_that_keys_could_not_tell_apart_are_refused() {
    let named = |name: &str| Part { name: Some(name.to_owned()), total: None };
    let tables = [
        vec![named("a:b")],
        vec![named("")],
        vec![named("Q1")],
        vec![named(&"a".repeat(61))],
        vec![named("a"), named("a")],
        vec![Part::ONLY, named("a")],
    ];
    let stage = Stage::set().await;
    for (run, parts) in tables.into_iter().enumerate() {
        let work = Parted { parts, asked: AtomicUsize::new(0) };
        let instance = stage.instance(job(vec![step("parted", work, Sizes::fixed(1))]), QUICK);
        let id = stage.start_as(&run.to_string()).await;
        instance.runner.wake();
        let ended = stage.becomes(id, ExecutionStatus::Failed).await;
        let message = ended.exit_message.unwrap();
        assert!(message.starts_with("parted: a part is called"), "{run}: {message}");
    }
}

#[tokio::test]
async fn parts_stay_as_they_were_planned_when_another_goes_on() {
    let stage = Stage::set().await;
    stage.world.let_through(4);
    let first = stage.instance(job(vec![in_parts(&stage, 25, 2)]), SHORT);
    let id = stage.start().await;
    first.runner.wake();
    eventually(LIMIT, || async { stage.world.come() == 6 }).await;
    first.kill().await;
    stage.world.let_go();
    // This version would divide the work in another way.
    let other = Step { parallel: 1, ..stage.counting(25, 10) };
    let other = Step {
        work: std::sync::Arc::new(Chunks(Numbers { parts: &["all-at-once"], ..stage.numbers(25) })),
        ..other
    };
    let _second = stage.instance(job(vec![other]), SHORT);
    stage.becomes(id, ExecutionStatus::Completed).await;
    let names: Vec<_> = stage.steps(id).await.into_iter().map(|part| part.name).collect();
    assert_eq!(names, ["write:2026-01", "write:2026-02", "write:2026-03"]);
    assert_eq!(stage.world.written().len(), expected(25));
}

#[tokio::test]
async fn a_chunk_that_asks_for_a_pause_gets_one_and_stops_in_it_when_asked() {
    let stage = Stage::set().await;
    let hour = std::time::Duration::from_hours(1);
    let says =
        Says(move |_: &Place| Ok(Chunk { next: Some(json!("more")), pause: Some(hour), ..Chunk::default() }));
    let instance = stage.instance(job(vec![step("waits", says, Sizes::fixed(1))]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    let committed = || async { stage.steps(id).await.first().is_some_and(|step| step.commit_count == 1) };
    eventually(LIMIT, committed).await;
    stage.stop(id).await;
    stage.becomes(id, ExecutionStatus::Stopped).await;
    assert_eq!(stage.step(id).await.commit_count, 1);
}
