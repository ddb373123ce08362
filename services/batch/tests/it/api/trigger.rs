//! Jobs that are run by hand.

use contract::batch::{Execution, ExecutionStatus, path};
use http::StatusCode;
use serde_json::{Value, json};
use testkit::TestResponse;

use super::desk::{Desk, JOB, STRICT, problem};

impl Desk {
    async fn trigger(&self, job: &str, body: &Value) -> TestResponse {
        self.post(&path::trigger(job)).json(body).send().await
    }

    async fn started(&self, job: &str, body: &Value) -> Execution {
        self.trigger(job, body).await.expect(StatusCode::ACCEPTED).parsed()
    }
}

#[tokio::test]
async fn a_job_is_begun_and_the_answer_says_where_to_look() {
    let desk = Desk::idle().await;
    let body = json!({ "parameters": { "day": "2026-11-22", "limit": "7" } });
    let answer = desk.trigger(JOB, &body).await.expect(StatusCode::ACCEPTED);
    let mut shown = answer.json();
    let id = shown["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), Some(&*format!("/api/batch/executions/{id}")));
    assert_eq!(desk.ask(&format!("/api/batch/executions/{id}")).await, shown);
    let created = shown["createTime"].take();
    assert!(created.as_str().is_some_and(|time| time.len() == 27 && time.ends_with('Z')), "{created}");
    let expected = json!({
        "id": id,
        "job": "count",
        "parameters": [
            { "name": "day", "type": "date", "value": "2026-11-22", "identifying": true },
            { "name": "limit", "type": "long", "value": "7", "identifying": false },
        ],
        "status": "STARTING",
        "exitCode": "UNKNOWN",
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
            "read": 0, "written": 0, "skipped": 0, "total": null, "itemsPerSecond": null, "etaSeconds": null,
        },
        "steps": [],
        "summary": {},
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn the_operator_is_named_as_who_asked() {
    let desk = Desk::idle().await;
    let token = desk.keys.token("operator", "batch");
    let request = desk.app.post(&path::trigger(JOB)).bearer(&token).json(&json!({ "dryRun": true }));
    let begun: Execution = request.send().await.expect(StatusCode::ACCEPTED).parsed();
    assert_eq!((&*begun.triggered_by, begun.dry_run), ("operator", true));
}

#[tokio::test]
async fn without_parameters_it_is_a_new_run_every_time() {
    let desk = Desk::idle().await;
    let (first, second) = (desk.started(JOB, &json!({})).await, desk.started(JOB, &json!({})).await);
    assert_ne!(first.id, second.id);
    let names: Vec<_> = first.parameters.iter().map(|given| (&*given.name, given.identifying)).collect();
    assert_eq!(names, [("limit", false), ("run", true)]);
}

#[tokio::test]
async fn the_same_parameters_are_refused_by_what_is_in_the_way() {
    let desk = Desk::idle().await;
    let body = json!({ "parameters": { "day": "2026-11-22" } });
    let first = desk.started(JOB, &body).await.id;
    let same = json!({ "parameters": { "day": "2026-11-22", "limit": 5 } });
    for (status, says) in [
        (ExecutionStatus::Started, format!("The same parameters run already, as execution {first}.")),
        (
            ExecutionStatus::Completed,
            format!("The same parameters were completed, or given up, by execution {first}."),
        ),
        (
            ExecutionStatus::Abandoned,
            format!("The same parameters were completed, or given up, by execution {first}."),
        ),
        (
            ExecutionStatus::Unknown,
            format!("How execution {first} of the same parameters ended is not known. Give it up first."),
        ),
    ] {
        desk.set_status(first, status).await;
        let request = desk.post(&path::trigger(JOB)).json(&same).header(http::header::ACCEPT_LANGUAGE, "en");
        let refused = problem(request.send().await, StatusCode::CONFLICT, "B002");
        assert_eq!(refused["message"], says, "{status}");
        let korean = problem(desk.trigger(JOB, &same).await, StatusCode::CONFLICT, "B002");
        assert!(korean["message"].as_str().unwrap().contains(&first.to_string()), "{korean}");
    }
    let dry = json!({ "parameters": { "day": "2026-11-22" }, "dryRun": true });
    desk.started(JOB, &dry).await;
    desk.started(JOB, &dry).await;
    desk.set_status(first, ExecutionStatus::Failed).await;
    let again = desk.started(JOB, &same).await;
    assert_eq!(again.restart_of, Some(first));
}

#[tokio::test]
async fn parameters_that_break_a_rule_are_named_each() {
    let desk = Desk::idle().await;
    let body = json!({ "parameters": { "limit": "many", "zebra": true } });
    let request = desk.post(&path::trigger(STRICT)).json(&body).header(http::header::ACCEPT_LANGUAGE, "en");
    let refused = problem(request.send().await, StatusCode::BAD_REQUEST, "E003");
    let expected = json!([
        { "field": "parameters.day", "message": "This parameter is required." },
        { "field": "parameters.limit", "message": "This must be a whole number of 64 bits." },
        { "field": "parameters.zebra", "message": "The job has no such parameter." },
    ]);
    assert_eq!(refused["errors"], expected);
    for body in [
        json!({ "parameter": {} }),
        json!({ "parameters": [] }),
        json!({ "dryRun": "yes" }),
        json!(7),
        json!(null),
    ] {
        problem(desk.trigger(JOB, &body).await, StatusCode::BAD_REQUEST, "E002");
    }
    let count: i64 = sqlx::query_scalar("select count(*) from execution").fetch_one(&desk.db).await.unwrap();
    assert_eq!(count, 0);
}

#[tokio::test]
async fn a_job_that_there_is_not_is_b001() {
    let desk = Desk::idle().await;
    for job in ["none", "Count", "count%00", "%ED%95%9C"] {
        problem(desk.trigger(job, &json!({})).await, StatusCode::NOT_FOUND, "B001");
    }
}
