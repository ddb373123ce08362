//! The start rule through the API of two instances, with executions that run, that failed, and that are complete.

use std::collections::BTreeSet;
use std::sync::Arc;

use contract::batch::{Execution, ExecutionStatus};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;
use testkit::eventually;

use super::cluster::PATIENCE;
use super::fate::{End, Fate};
use super::operator::Operator;
use super::own;
use super::role::Lease;
use super::scene::{Scene, Way};
use super::stage::Stage;
use super::trial::Trial;

const ROWS: u64 = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_parameters_run_once_and_no_parameters_always_run() {
    let stage = Stage::set(&[Trial::Own], ROWS).await;
    // The first to run stands in its first chunk, for as long as it is asked about.
    let fate = Fate { end: End::Stopped, point: "begin".to_owned(), step: "copy".to_owned(), nth: 1 };
    let scene = Scene::set(&stage, Trial::Own, &[fate], Way { lease: Lease::Real, ..Way::default() }).await;
    let units: Vec<_> = scene.units.iter().map(Arc::clone).collect();
    let mut first = units[0].start();
    first.ready().await;
    let at_first = Operator::new(&stage.keys, &first.url());

    let parameters = json!({ "mode": "sound", "note": "one" });
    let running = at_first.trigger(own::NAME, parameters.clone()).await.unwrap();
    first.met().await;
    let second = units[1].start();
    second.ready().await;
    let operator = Operator::new(&stage.keys, &second.url());
    refused(operator.trigger(own::NAME, parameters.clone()).await, "it runs");
    // What does not tell instances apart changes nothing.
    refused(operator.trigger(own::NAME, json!({ "mode": "sound", "note": "two" })).await, "it runs");

    first.awake();
    let complete = ended(&operator, &running).await;
    assert_eq!(complete.status, ExecutionStatus::Completed);
    refused(operator.trigger(own::NAME, parameters).await, "it is complete");

    // It fails in its second half, and a restart goes on there.
    let broken = json!({ "mode": "broken" });
    let failed = operator.trigger(own::NAME, broken.clone()).await.unwrap();
    let failed = ended(&operator, &failed).await;
    assert_eq!(failed.status, ExecutionStatus::Failed, "{failed:?}");
    scene.repair().await;
    let restarted = operator.trigger(own::NAME, broken.clone()).await.unwrap();
    let again = ended(&operator, &restarted).await;
    assert_ne!(failed.id, again.id);
    assert_eq!(again.status, ExecutionStatus::Completed, "{again:?}");
    assert_eq!(own::count(&again), own::count(&complete), "what the failed one had done counts once");
    refused(operator.trigger(own::NAME, broken).await, "it is complete");

    // Ten at once at both instances are one; ten without parameters are ten.
    let triggers = (0..10).map(|n| {
        let at = if n % 2 == 0 { &operator } else { &at_first };
        at.trigger(own::NAME, json!({ "mode": "sound", "day": "2026-01-01" }))
    });
    let (begun, others): (Vec<_>, Vec<_>) = join_all(triggers).await.into_iter().partition(Result::is_ok);
    assert_eq!(begun.len(), 1, "{begun:?}, {others:?}");
    for other in others {
        refused(other, "another has begun it");
    }
    let triggers = (0..10).map(|_| operator.trigger(own::NAME, json!({})));
    let mut ids = BTreeSet::new();
    for answer in join_all(triggers).await {
        let own = ended(&operator, &answer.unwrap()).await;
        assert_eq!(own.status, ExecutionStatus::Completed, "{own:?}");
        ids.insert(own.id);
    }
    assert_eq!(ids.len(), 10, "{ids:?}");
    first.end().await;
    second.end().await;
}

#[track_caller]
fn refused(answer: Result<Execution, (StatusCode, serde_json::Value)>, why: &str) {
    let (status, body) = answer.expect_err(why);
    assert_eq!((status, &body["errorCode"]), (StatusCode::CONFLICT, &json!("B002")), "{why}: {body}");
}

async fn ended(operator: &Operator<'_>, execution: &Execution) -> Execution {
    eventually(PATIENCE, || async {
        let now = operator.execution(execution.id).await;
        if now.end_time.is_some() { Ok(now) } else { Err(format!("{now:?}")) }
    })
    .await
}
