//! Executions: seen, listed, stopped, restarted, given up.

use contract::batch::{Execution, ExecutionList, ExecutionStatus, path};
use contract::id::ExecutionId;
use http::StatusCode;
use serde_json::json;
use testkit::{TestResponse, eventually};

use super::desk::{Desk, JOB, LIMIT, STRICT, problem};

const NOBODY: &str = "01931f0e-7c5a-7000-8000-0123456789ab";

impl Desk {
    async fn page(&self, query: &str) -> ExecutionList {
        let path = format!("{}?{query}", path::EXECUTIONS);
        self.get(&path).send().await.expect(StatusCode::OK).parsed()
    }

    async fn ids(&self, query: &str) -> Vec<ExecutionId> {
        self.page(query).await.content.iter().map(|execution| execution.id).collect()
    }

    async fn wish(&self, path: &str) -> TestResponse {
        self.post(path).header(http::header::ACCEPT_LANGUAGE, "en").send().await
    }

    /// Waits until so many items are read.
    async fn has_read(&self, id: ExecutionId, items: i64) -> Execution {
        eventually(LIMIT, || async {
            let execution = self.read(id).await;
            if execution.progress.read == items { Ok(execution) } else { Err(execution) }
        })
        .await
    }
}

#[tokio::test]
async fn an_execution_shows_how_far_it_has_come() {
    let desk = Desk::open().await;
    let id = desk.run().await;
    desk.work.allow(2);
    let seen = desk.has_read(id, 20).await;
    assert_eq!(seen.status, ExecutionStatus::Started);
    assert!(seen.owner.as_ref().is_some_and(|owner| owner.starts_with("batch/")), "{seen:?}");
    let progress = seen.progress;
    assert_eq!((progress.written, progress.skipped, progress.total), (14, 2, Some(30)));
    assert!(progress.items_per_second.is_some_and(|rate| rate > 0.0), "{progress:?}");
    assert!(progress.eta_seconds.is_some_and(|seconds| seconds >= 0), "{progress:?}");
    desk.work.allow(1);
    desk.until(id, ExecutionStatus::Completed).await;
    let mut shown = desk.ask(&path::execution(id)).await;
    for pointer in ["/createTime", "/startTime", "/endTime", "/steps/0/startTime", "/steps/0/endTime"] {
        let time = shown.pointer_mut(pointer).unwrap().take();
        let is_time = time.as_str().is_some_and(|time| time.len() == 27 && time.ends_with('Z'));
        assert!(is_time, "{pointer}: {time}");
    }
    for pointer in ["/progress/itemsPerSecond", "/steps/0/itemsPerSecond"] {
        let rate = shown.pointer_mut(pointer).unwrap().take();
        assert!(rate.as_f64().is_some_and(|rate| rate > 0.0), "{pointer}: {rate}");
    }
    shown["parameters"].take();
    let expected = json!({
        "id": id,
        "job": "count",
        "parameters": null,
        "status": "COMPLETED",
        "exitCode": "COMPLETED_WITH_SKIPS",
        "exitMessage": null,
        "dryRun": false,
        "triggeredBy": format!("user:{}", desk.admin),
        "createTime": null,
        "startTime": null,
        "endTime": null,
        "owner": null,
        "takeovers": 0,
        "restartOf": null,
        "progress": {
            "read": 30, "written": 21, "skipped": 3, "total": 30, "itemsPerSecond": null, "etaSeconds": null,
        },
        "steps": [{
            "name": "write", "status": "COMPLETED", "read": 30, "filtered": 6, "written": 21, "skipped": 3,
            "commits": 3, "rollbacks": 0, "total": 30, "itemsPerSecond": null, "startTime": null,
            "endTime": null, "exitMessage": null,
        }],
        "summary": { "written": 21 },
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn executions_are_listed_by_job_and_status_the_newest_first() {
    let desk = Desk::idle().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.insert(0, desk.run().await);
    }
    let strict = json!({ "parameters": { "day": "2026-11-22" } });
    let other: Execution = desk.post(&path::trigger(STRICT)).json(&strict).send().await.parsed();
    desk.set_status(ids[1], ExecutionStatus::Failed).await;
    assert_eq!(desk.ids(&format!("job={JOB}")).await, ids);
    assert_eq!(desk.ids(&format!("job={STRICT}")).await, [other.id]);
    assert_eq!(desk.ids("").await, [&[other.id][..], &ids].concat());
    assert_eq!(desk.ids("status=FAILED").await, [ids[1]]);
    assert_eq!(desk.ids(&format!("status=starting&job={JOB}")).await, [ids[0], ids[2]]);
    assert_eq!(desk.ids("job=none").await, []);
    for (query, code) in [
        ("status=sleeping", "E003"),
        ("cursor=nonsense", "E003"),
        ("size=-1", "E002"),
        ("size=many", "E002"),
        ("page=1", "E002"),
    ] {
        let refused = desk.get(&format!("{}?{query}", path::EXECUTIONS)).send().await;
        problem(refused, StatusCode::BAD_REQUEST, code);
    }
}

#[tokio::test]
async fn pages_follow_each_other_whatever_begins_meanwhile() {
    let desk = Desk::idle().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, desk.run().await);
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = desk.page(&format!("size=2{cursor}")).await;
        found.extend(page.content.iter().map(|execution| execution.id));
        desk.run().await;
        let Some(next) = page.next_cursor else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, ids);
    assert_eq!(desk.page("size=100").await.next_cursor, None);
    assert_eq!(desk.page("size=0").await.content.len(), 1, "a page has one at least");
}

#[tokio::test]
async fn executions_created_in_the_same_moment_are_told_apart() {
    let desk = Desk::idle().await;
    for _ in 0..5 {
        desk.run().await;
    }
    sqlx::query("update execution set create_time = '2026-01-01'").execute(&desk.db).await.unwrap();
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = desk.page(&format!("size=2{cursor}")).await;
        found.extend(page.content.iter().map(|execution| execution.id));
        let Some(next) = page.next_cursor else { break };
        cursor = format!("&cursor={next}");
    }
    let (count, sorted) = (found.len(), found.iter().rev().is_sorted());
    assert_eq!((count, sorted), (5, true), "{found:?}");
}

#[tokio::test]
async fn an_execution_that_there_is_not_is_404() {
    let desk = Desk::idle().await;
    let id: ExecutionId = NOBODY.parse().unwrap();
    problem(desk.get(&path::execution(id)).send().await, StatusCode::NOT_FOUND, "E002");
    for path in [path::stop(id), path::restart(id), path::abandon(id)] {
        problem(desk.wish(&path).await, StatusCode::NOT_FOUND, "E002");
    }
    let answer = desk.get("/api/batch/executions/seven").send().await;
    problem(answer, StatusCode::BAD_REQUEST, "E002");
}

#[tokio::test]
async fn what_runs_is_stopped_at_its_next_commit_and_goes_on_there_when_it_is_restarted() {
    let desk = Desk::open().await;
    let id = desk.run().await;
    desk.work.allow(1);
    desk.has_read(id, 10).await;
    let stopping: Execution = desk.wish(&path::stop(id)).await.expect(StatusCode::ACCEPTED).parsed();
    assert_eq!(stopping.status, ExecutionStatus::Stopping);
    assert_eq!(stopping.progress.eta_seconds, None);
    desk.work.allow(1);
    let stopped = desk.until(id, ExecutionStatus::Stopped).await;
    let read = stopped.progress.read;
    assert!(read < 30, "{stopped:?}");

    let again = desk.wish(&path::restart(id)).await.expect(StatusCode::ACCEPTED);
    let begun: Execution = again.parsed();
    assert_ne!(begun.id, id);
    assert_eq!(again.header("location"), Some(&*path::execution(begun.id)));
    assert_eq!((begun.restart_of, begun.progress.read), (Some(id), read));
    desk.work.allow(3);
    let complete = desk.until(begun.id, ExecutionStatus::Completed).await;
    assert_eq!((complete.progress.read, complete.progress.written), (30, 21));
    assert_eq!(complete.parameters, stopped.parameters);
}

#[tokio::test]
async fn what_nobody_has_taken_up_is_stopped_at_once() {
    let desk = Desk::idle().await;
    let id = desk.run().await;
    let stopped: Execution = desk.wish(&path::stop(id)).await.expect(StatusCode::ACCEPTED).parsed();
    assert_eq!(stopped.status, ExecutionStatus::Stopped);
    assert!(stopped.end_time.is_some());
}

#[tokio::test]
async fn a_step_that_fails_says_why() {
    let desk = Desk::open().await;
    let id = desk.run().await;
    *desk.work.broken.lock().unwrap() = true;
    desk.work.allow(1);
    let failed = desk.until(id, ExecutionStatus::Failed).await;
    assert!(failed.exit_message.as_ref().is_some_and(|why| why.contains("the disk is full")), "{failed:?}");
    assert_eq!(failed.steps[0].status, ExecutionStatus::Failed);
}

#[tokio::test]
async fn a_status_that_is_in_the_way_is_named() {
    use ExecutionStatus::{Abandoned, Completed, Failed, Started, Stopped, Stopping, Unknown};
    let desk = Desk::idle().await;
    let id = desk.run().await;
    let (stop, restart, abandon) = (path::stop(id), path::restart(id), path::abandon(id));
    for (status, refused) in [
        (Started, &[&restart, &abandon, &path::redrive(id)][..]),
        (Stopping, &[&restart, &abandon]),
        (Stopped, &[&stop]),
        (Failed, &[&stop]),
        (Completed, &[&stop, &restart, &abandon]),
        (Abandoned, &[&stop, &restart, &abandon]),
        (Unknown, &[&stop, &restart]),
    ] {
        desk.set_status(id, status).await;
        for path in refused {
            let refused = problem(desk.wish(path).await, StatusCode::CONFLICT, "B002");
            let message = refused["message"].as_str().unwrap();
            assert!(message.contains(status.as_str()), "{path}: {message}");
        }
    }
    for status in [Stopped, Failed, Unknown] {
        desk.set_status(id, status).await;
        let given_up: Execution = desk.wish(&abandon).await.expect(StatusCode::ACCEPTED).parsed();
        assert_eq!((given_up.status, given_up.id), (Abandoned, id));
    }
}

#[tokio::test]
async fn only_the_newest_execution_of_its_parameters_is_restarted() {
    let desk = Desk::idle().await;
    let first = desk.run().await;
    desk.set_status(first, ExecutionStatus::Failed).await;
    let second: Execution = desk.wish(&path::restart(first)).await.expect(StatusCode::ACCEPTED).parsed();
    problem(desk.wish(&path::restart(first)).await, StatusCode::CONFLICT, "B002");
    desk.set_status(second.id, ExecutionStatus::Stopped).await;
    let refused = problem(desk.wish(&path::restart(first)).await, StatusCode::CONFLICT, "B002");
    assert_eq!(
        refused["message"],
        "The execution is STOPPED: only the newest execution of the same parameters can be restarted, if it \
         failed or was stopped."
    );
}

#[tokio::test]
async fn a_job_shows_its_newest_execution() {
    let desk = Desk::idle().await;
    let none = desk.ask(&path::job(JOB)).await;
    assert_eq!(none["lastExecution"], json!(null));
    desk.run().await;
    let newest = desk.run().await;
    assert_eq!(desk.ask(&path::job(JOB)).await["lastExecution"]["id"], json!(newest));
    let jobs = desk.ask(path::JOBS).await;
    let last: Vec<_> =
        jobs.as_array().unwrap().iter().map(|job| job["lastExecution"]["id"].clone()).collect();
    assert_eq!(last, [json!(newest), json!(null)]);
}
