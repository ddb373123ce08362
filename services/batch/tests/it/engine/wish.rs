//! What people ask of executions: to stop, to go on, to be given up.

use batch::engine::runner::Settings;
use batch::engine::{Chunk, Effect, Fault, Sizes};
use batch::repository::execution::{StartError, Wished};
use contract::batch::ExecutionStatus;
use serde_json::json;
use testkit::eventually;

use super::stage::{LIMIT, QUICK, Says, Stage, job, step};
use super::world::numbers;

#[tokio::test]
async fn a_stop_ends_at_the_next_commit_and_a_restart_goes_on_behind_it() {
    let stage = Stage::set().await;
    stage.world.let_through(1);
    let instance = stage.instance(job(vec![stage.counting(40, 10)]), QUICK);
    let id = stage.start().await;
    instance.runner.wake();
    eventually(LIMIT, || async { stage.world.come() == 2 }).await;
    assert_eq!(stage.stop(id).await, Wished::Done(id));
    assert_eq!(stage.seen(id).await.status, ExecutionStatus::Stopping);
    stage.world.let_go();
    let ended = stage.becomes(id, ExecutionStatus::Stopped).await;
    assert_eq!((&*ended.exit_code, ended.summary), ("STOPPED", json!({ "sum": 190 })));
    let step = stage.step(id).await;
    assert_eq!((step.status, step.read_count), (ExecutionStatus::Stopped, 20));
    assert_eq!(stage.stop(id).await, Wished::Refused(ExecutionStatus::Stopped));

    let Wished::Done(next) = stage.restart(id).await else { panic!("it can be restarted") };
    // Taken up or not, it is in the way.
    assert!(matches!(stage.restart(id).await, Wished::Refused(status) if status.is_running()));
    let ended = stage.becomes(next, ExecutionStatus::Completed).await;
    assert_eq!((ended.restart_of, ended.summary), (Some(id), json!({ "sum": 780 })));
    let step = stage.step(next).await;
    assert_eq!((step.commit_count, step.read_count), (4, 40));
    assert_eq!(stage.world.calls().len(), 4, "nothing was done twice");
    assert_eq!(stage.world.written(), numbers(40));
    assert_eq!(stage.rows().await, [json!("0"), json!("10"), json!("20"), json!("30")]);
    assert_eq!(stage.restart(next).await, Wished::Refused(ExecutionStatus::Completed));
    assert_eq!(stage.abandon(id).await, Wished::Refused(ExecutionStatus::Completed), "only the newest");
}

#[tokio::test]
async fn what_nobody_runs_stops_at_once() {
    let stage = Stage::set().await;
    let id = stage.start().await;
    assert_eq!(stage.stop(id).await, Wished::Done(id));
    let seen = stage.seen(id).await;
    assert_eq!((seen.status, &*seen.exit_code), (ExecutionStatus::Stopped, "STOPPED"));
    assert_eq!(stage.stop(chassis::fresh_id()).await, Wished::NotFound);
}

#[tokio::test]
async fn a_stop_that_the_owner_did_not_live_to_see_is_kept_by_the_next() {
    let stage = Stage::set().await;
    stage.world.let_through(0);
    let first = stage.instance(job(vec![stage.counting(40, 10)]), super::stage::SHORT);
    let id = stage.start().await;
    first.runner.wake();
    eventually(LIMIT, || async { stage.world.come() == 1 }).await;
    first.kill().await;
    stage.stop(id).await;
    let _second = stage.instance(job(vec![stage.counting(40, 10)]), super::stage::SHORT);
    stage.becomes(id, ExecutionStatus::Stopped).await;
    assert_eq!(stage.world.come(), 1);
}

#[tokio::test]
async fn what_is_given_up_never_runs_again() {
    let stage = Stage::set().await;
    let id = stage.start().await;
    assert_eq!(stage.abandon(id).await, Wished::Refused(ExecutionStatus::Starting));
    stage.stop(id).await;
    assert_eq!(stage.abandon(id).await, Wished::Done(id));
    assert_eq!(stage.seen(id).await.status, ExecutionStatus::Abandoned);
    assert_eq!(stage.abandon(id).await, Wished::Refused(ExecutionStatus::Abandoned));
    assert_eq!(stage.restart(id).await, Wished::Refused(ExecutionStatus::Abandoned));
    assert!(matches!(stage.try_start("1", false).await, Err(StartError::Complete(other)) if other == id));
    assert_eq!(stage.abandon(chassis::fresh_id()).await, Wished::NotFound);
    assert_eq!(stage.restart(chassis::fresh_id()).await, Wished::NotFound);
}

#[tokio::test]
async fn a_restart_skips_complete_steps_and_keeps_what_they_found() {
    let stage = Stage::set().await;
    stage.world.fail([Fault::fatal(anyhow::anyhow!("not today"))]);
    let first = || {
        let says = Says(|place: &batch::engine::Place| {
            assert_eq!(place.chunk, 0, "it is done once");
            Ok(Chunk {
                summary: [("found".to_owned(), 7)].into(),
                effects: vec![Effect::ExitCode("COMPLETED_WITH_DIFFERENCES")],
                ..Chunk::default()
            })
        });
        step("first", says, Sizes::fixed(1))
    };
    let jobs = || job(vec![first(), stage.counting(10, 10)]);
    let instance = stage.instance(jobs(), Settings { ..QUICK });
    let id = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(id, ExecutionStatus::Failed).await;
    assert_eq!(ended.exit_message.as_deref(), Some("write: not today"));
    // By its parameters, as the schedule would.
    let next = stage.start().await;
    instance.runner.wake();
    let ended = stage.becomes(next, ExecutionStatus::Completed).await;
    assert_eq!(ended.restart_of, Some(id));
    assert_eq!(ended.exit_code, "COMPLETED_WITH_DIFFERENCES");
    assert_eq!(ended.summary, json!({ "found": 7, "sum": 45 }));
    let commits: Vec<_> =
        stage.steps(next).await.into_iter().map(|step| (step.name, step.commit_count)).collect();
    assert_eq!(commits, [("first".to_owned(), 1), ("write".to_owned(), 1)]);
    let begun = stage.log(next).await;
    assert!(begun[0].ends_with(&format!("goes on from {id}")), "{begun:?}");
}
