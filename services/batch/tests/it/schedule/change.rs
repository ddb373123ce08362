//! People change when jobs run by themselves.

use chrono::{DateTime, Utc};
use contract::batch::{Concurrency, JobSchedule, Misfire};
use http::StatusCode;
use serde_json::{Value, json};
use testkit::TestResponse;

use super::fixture::{Api, Stage};

const SCHEDULE: &str = "/api/batch/jobs/hourly/schedule";

async fn put(api: &Api, body: Value) -> TestResponse {
    api.app.put(SCHEDULE).bearer(&api.operator()).json(&body).send().await
}

async fn changed(api: &Api, body: Value) -> JobSchedule {
    serde_json::from_value(put(api, body).await.expect(StatusCode::OK).json()).unwrap()
}

#[tokio::test]
async fn a_changed_schedule_has_another_next_time_and_what_is_left_out_stays() {
    let stage = Stage::set().await;
    let api = stage.api();
    let schedule = changed(&api, json!({ "cron": " 15 4 * * * ", "zone": "europe/berlin" })).await;
    assert_eq!((schedule.cron.as_deref(), &*schedule.zone), (Some("15 4 * * *"), "Europe/Berlin"));
    assert_eq!((schedule.misfire, schedule.concurrency), (Misfire::RunOnce, Concurrency::Forbid));
    let next = schedule.next_fire_time.unwrap();
    assert!(["02:15", "03:15"].contains(&&*next.format("%H:%M").to_string()), "{next}");
    assert_eq!(stage.next().await, Some(next));
    let schedule = changed(&api, json!({ "misfire": "SKIP", "concurrency": "ALLOW" })).await;
    assert_eq!((schedule.misfire, schedule.concurrency), (Misfire::Skip, Concurrency::Allow));
    assert_eq!(schedule.next_fire_time, Some(next));
    let read = api.app.get("/api/batch/jobs/hourly").bearer(&api.operator()).send().await.json();
    assert_eq!(serde_json::from_value::<JobSchedule>(read["schedule"].clone()).unwrap(), schedule);
}

#[tokio::test]
async fn a_disabled_schedule_has_no_next_time_and_gets_one_when_it_is_enabled() {
    let stage = Stage::set().await;
    let api = stage.api();
    stage.miss(3, Misfire::RunAll, Concurrency::Allow).await;
    let schedule = changed(&api, json!({ "enabled": false })).await;
    assert_eq!((schedule.enabled, schedule.next_fire_time), (false, None));
    assert_eq!(stage.look().await.started, 0);
    let schedule = changed(&api, json!({ "enabled": true })).await;
    assert!(schedule.next_fire_time.unwrap() > Utc::now(), "what passed meanwhile was not missed");
    assert_eq!(stage.look().await.started, 0);
}

#[tokio::test]
async fn a_slot_that_is_due_is_not_lost_to_a_change_of_policy() {
    let stage = Stage::set().await;
    let api = stage.api();
    let slots = stage.miss(2, Misfire::Skip, Concurrency::Allow).await;
    let schedule = changed(&api, json!({ "misfire": "RUN_ALL", "enabled": true, "zone": "UTC" })).await;
    assert_eq!(schedule.next_fire_time, Some(slots[0]));
    assert_eq!(stage.look().await.started, 2);
}

#[tokio::test]
async fn a_schedule_that_is_none_is_refused_with_the_reason() {
    let stage = Stage::set().await;
    let api = stage.api();
    let before = stage.next().await;
    for (body, field, message) in [
        (json!({ "cron": "61 * * * *" }), "cron", "분 필드 `61`이(가) 올바르지 않습니다"),
        (json!({ "cron": "* * *" }), "cron", "다섯 필드"),
        (json!({ "cron": "0 0 31 2 *" }), "cron", "해당하는 시각이 없습니다"),
        (json!({ "cron": "" }), "cron", ""),
        (json!({ "cron": "0 ".repeat(60) }), "cron", ""),
        (json!({ "zone": "Asia/Soul" }), "zone", "`Asia/Soul`"),
        // Also when nothing fires by it for now.
        (json!({ "cron": "nonsense", "enabled": false }), "cron", "다섯 필드"),
    ] {
        let problem = put(&api, body.clone()).await.expect(StatusCode::BAD_REQUEST).json();
        assert_eq!(problem["errorCode"], "E003", "{body}");
        assert_eq!(problem["errors"][0]["field"], field, "{body}");
        let said = problem["errors"][0]["message"].as_str().unwrap();
        assert!(said.contains(message), "{body}: {said}");
    }
    for body in [json!({ "misfire": "SOMETIMES" }), json!({ "crom": "* * * * *" }), json!("cron")] {
        let problem = put(&api, body.clone()).await.expect(StatusCode::BAD_REQUEST).json();
        assert_eq!(problem["errorCode"], "E002", "{body}");
    }
    assert_eq!(stage.next().await, before);
}

#[tokio::test]
async fn a_broken_schedule_can_be_switched_off() {
    let stage = Stage::set().await;
    let api = stage.api();
    sqlx::query("update batch_job set zone = 'Nowhere/Land' where name = 'hourly'")
        .execute(&stage.pool)
        .await
        .unwrap();
    let _ = put(&api, json!({ "misfire": "SKIP" })).await.expect(StatusCode::BAD_REQUEST);
    let _ = put(&api, json!({ "zone": "UTC" })).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_job_that_there_is_not_has_no_schedule() {
    let stage = Stage::set().await;
    let api = stage.api();
    for name in ["none", "Hourly", "%2e%2e"] {
        let request = api.app.put(&format!("/api/batch/jobs/{name}/schedule"));
        let refused = request.bearer(&api.operator()).json(&json!({})).send().await;
        assert_eq!(refused.expect(StatusCode::NOT_FOUND).json()["errorCode"], "B001", "{name}");
        let fires = api.app.get(&format!("/api/batch/jobs/{name}/fires"));
        let _ = fires.bearer(&api.operator()).send().await.expect(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn only_administrators_and_the_operator_may() {
    let stage = Stage::set().await;
    let api = stage.api();
    for path in ["/api/batch/jobs", "/api/batch/jobs/hourly", "/api/batch/jobs/hourly/fires"] {
        let _ = api.app.get(path).send().await.expect(StatusCode::UNAUTHORIZED);
        let store = api.keys.token("store", "batch");
        let status = api.app.get(path).bearer(&store).send().await.status;
        assert!([StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status), "{path}: {status}");
    }
    let _ = api.app.put(SCHEDULE).json(&json!({})).send().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn of_two_who_change_different_things_neither_undoes_the_other() {
    let stage = Stage::set().await;
    let api = stage.api();
    for round in 0..10 {
        let cron = format!("{round} 5 * * *");
        let misfire = if round % 2 == 0 { "SKIP" } else { "RUN_ALL" };
        let (a, b, c) = tokio::join!(
            put(&api, json!({ "cron": cron })),
            put(&api, json!({ "misfire": misfire })),
            put(&api, json!({ "enabled": true })),
        );
        for answer in [a, b, c] {
            let _ = answer.expect(StatusCode::OK);
        }
        let read = api.app.get("/api/batch/jobs/hourly").bearer(&api.operator()).send().await.json();
        let schedule = &read["schedule"];
        assert_eq!((&schedule["cron"], &schedule["misfire"]), (&json!(cron), &json!(misfire)));
        let next: DateTime<Utc> = serde_json::from_value(schedule["nextFireTime"].clone()).unwrap();
        assert_eq!(next.format("%H:%M").to_string(), format!("20:0{round}"), "it is of the newest cron");
    }
}

#[tokio::test]
async fn fires_are_listed_the_newest_first() {
    let stage = Stage::set().await;
    let api = stage.api();
    let slots = stage.miss(3, Misfire::RunOnce, Concurrency::Allow).await;
    stage.look().await;
    let path = "/api/batch/jobs/hourly/fires";
    let fires = api.app.get(path).bearer(&api.operator()).send().await.expect(StatusCode::OK).json();
    let outcomes: Vec<_> = fires.as_array().unwrap().iter().map(|fire| fire["outcome"].clone()).collect();
    assert_eq!(outcomes, ["FIRED", "MISSED", "MISSED"]);
    assert_eq!(fires[0]["slot"], json!(contract::time::format(slots[2])));
    assert!(fires[0]["executionId"].is_string() && fires[1]["executionId"].is_null());
    let one = api.app.get("/api/batch/jobs/hourly/fires?size=1").bearer(&api.operator()).send().await.json();
    assert_eq!(one, json!([fires[0]]));
}
