//! The start rule, races included.

use batch::domain::parameter;
use batch::repository::execution::StartError;
use contract::batch::{ExecutionStatus, ParameterType, ParameterValue};
use futures_util::future::join_all;

use super::stage::{QUICK, Stage, job};

#[tokio::test]
async fn the_same_parameters_run_once_at_a_time_and_complete_once() {
    let stage = Stage::set().await;
    let id = stage.start().await;
    assert!(matches!(stage.try_start("1", false).await, Err(StartError::Running(other)) if other == id));
    let instance = stage.instance(job(vec![stage.counting(5, 10)]), QUICK);
    instance.runner.wake();
    stage.becomes(id, ExecutionStatus::Completed).await;
    assert!(matches!(stage.try_start("1", false).await, Err(StartError::Complete(other)) if other == id));
    // Others are another instance; so is a dry run.
    stage.start_as("2").await;
    stage.try_start("1", true).await.unwrap();
}

#[tokio::test]
async fn nobody_restarts_what_ended_nobody_knows_how() {
    let stage = Stage::set().await;
    let id = stage.start().await;
    sqlx::query("update execution set status = 'UNKNOWN', end_time = now() where id = $1")
        .bind(id)
        .execute(&stage.db.pool())
        .await
        .unwrap();
    assert!(matches!(stage.try_start("1", false).await, Err(StartError::Unknown(other)) if other == id));
}

#[tokio::test]
async fn of_those_who_start_at_the_same_time_one_succeeds() {
    let stage = Stage::set().await;
    for run in ["1", "2", "3", "4", "5"] {
        let started = join_all((0..5).map(|_| stage.try_start(run, false))).await;
        let (won, lost): (Vec<_>, Vec<_>) = started.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 4));
        let winner = won.into_iter().next().unwrap().unwrap();
        for error in lost {
            assert!(matches!(error, Err(StartError::Running(id)) if id == winner), "{error:?}");
        }
    }
}

fn given(name: &str, kind: ParameterType, value: &str, identifying: bool) -> ParameterValue {
    ParameterValue { name: name.to_owned(), kind, value: value.to_owned(), identifying }
}

#[test]
fn instances_are_told_apart_by_what_identifies_them_and_by_nothing_else() {
    let a = given("a", ParameterType::String, "1", true);
    let b = given("b", ParameterType::String, "2", true);
    let free = given("c", ParameterType::String, "3", false);
    let key = |parameters: &[&ParameterValue], dry_run| {
        let parameters: Vec<_> = parameters.iter().copied().cloned().collect();
        parameter::key(&parameters, dry_run)
    };
    let base = key(&[&a, &b], false);
    assert_eq!(base, key(&[&b, &free, &a], false));
    let others = [
        key(&[&a], false),
        key(&[], false),
        key(&[&a, &b], true),
        key(&[&a, &given("b", ParameterType::Long, "2", true)], false),
        // Where one ends and the next begins counts.
        key(&[&given("ab", ParameterType::String, "1", true)], false),
        key(
            &[&given("a", ParameterType::String, "1b", true), &given("b", ParameterType::String, "", true)],
            false,
        ),
    ];
    for (place, other) in others.iter().enumerate() {
        assert_ne!(*other, base, "{place}");
        assert!(!others[place + 1..].contains(other), "{place}");
    }
}
