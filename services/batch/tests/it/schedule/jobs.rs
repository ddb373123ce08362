//! Jobs of the code, and their rows in the database.

use std::collections::BTreeMap;

use batch::domain::{parameter, schedule};
use batch::engine::Registry;
use batch::repository::job;
use contract::batch::{Concurrency, Misfire};
use http::StatusCode;
use serde_json::json;

use super::fixture::{JOB, OTHER, Stage, registry};

#[tokio::test]
async fn a_new_job_has_the_schedule_that_it_declares() {
    let stage = Stage::set().await;
    let api = stage.api();
    let answer = api.app.get("/api/batch/jobs").bearer(&api.operator()).send().await.expect(StatusCode::OK);
    let jobs = answer.json();
    assert_eq!(
        (&jobs[0]["name"], &jobs[1]["name"]),
        (&json!(JOB), &json!(OTHER)),
        "in the order of the code"
    );
    let mut other = api.app.get("/api/batch/jobs/other").bearer(&api.operator()).send().await.json();
    assert_eq!(jobs[1], other);
    let next: chrono::DateTime<chrono::Utc> =
        serde_json::from_value(other["schedule"]["nextFireTime"].take()).unwrap();
    assert_eq!(next.format("%H:%M:%S").to_string(), "18:30:00", "it is 03:30 in Seoul");
    let expected = json!({
        "name": OTHER,
        "description": "Does nothing.",
        "schedule": {
            "cron": "30 3 * * *", "zone": "Asia/Seoul", "enabled": true, "misfire": "RUN_ONCE",
            "concurrency": "FORBID", "nextFireTime": null,
        },
        "parameters": [{
            "name": "limit", "description": "At most so many.", "type": "long", "default": "100",
            "required": false, "identifying": true,
        }],
        "lastExecution": null,
    });
    assert_eq!(other, expected);
}

#[tokio::test]
async fn every_job_of_the_service_can_run_by_itself() {
    let stage = Stage::set().await;
    for job in stage.own().iter() {
        let first = schedule::first(job.schedule.cron, job::ZONE, chrono::Utc::now());
        assert!(first.is_ok(), "{}: {}", job.name, job.schedule.cron);
        assert!(parameter::resolve(job, &BTreeMap::new()).is_ok(), "{}", job.name);
    }
}

#[tokio::test]
async fn what_people_have_changed_outlives_a_start_of_the_service() {
    let stage = Stage::set().await;
    sqlx::query(
        "update batch_job set cron = '15 4 * * *', zone = 'Europe/Berlin', enabled = false, misfire = 'SKIP',
                              concurrency = 'ALLOW', next_fire_at = null, description = 'As it was.'
         where name = $1",
    )
    .bind(JOB)
    .execute(&stage.pool)
    .await
    .unwrap();
    job::sync(&stage.pool, &stage.jobs).await.unwrap();
    let row = job::find(&mut stage.pool.acquire().await.unwrap(), JOB).await.unwrap().unwrap();
    assert_eq!((row.cron.as_deref(), &*row.zone, row.enabled), (Some("15 4 * * *"), "Europe/Berlin", false));
    assert_eq!((row.misfire, row.concurrency), (Misfire::Skip, Concurrency::Allow));
    assert_eq!(row.next_fire_at, None, "it is not enabled");
    let description: String = sqlx::query_scalar("select description from batch_job where name = $1")
        .bind(JOB)
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(description, "Does nothing.", "that is the code's to say");
}

#[tokio::test]
async fn instances_that_start_together_leave_one_row_each() {
    let stage = Stage::set().await;
    sqlx::query("delete from batch_job").execute(&stage.pool).await.unwrap();
    let jobs = registry();
    let (a, b) = tokio::join!(job::sync(&stage.pool, &jobs), job::sync(&stage.pool, &stage.jobs));
    a.and(b).unwrap();
    let rows = job::list(&mut stage.pool.acquire().await.unwrap()).await.unwrap();
    assert_eq!(rows.iter().map(|row| &*row.name).collect::<Vec<_>>(), [JOB, OTHER]);
    assert!(rows.iter().all(|row| row.next_fire_at.is_some() && row.version == 1));
}

/// A newer version had it, or an older one.
#[tokio::test]
async fn a_job_that_the_code_does_not_have_is_neither_listed_nor_fired() {
    let mut stage = Stage::set().await;
    stage.miss(1, Misfire::RunAll, Concurrency::Allow).await;
    let all = std::mem::replace(&mut stage.jobs, Registry::new(vec![]));
    job::sync(&stage.pool, &stage.jobs).await.unwrap();
    assert_eq!(stage.look().await.started, 0);
    let api = stage.api();
    let jobs = api.app.get("/api/batch/jobs").bearer(&api.operator()).send().await.expect(StatusCode::OK);
    assert_eq!(jobs.json(), json!([]));
    let job = api.app.get("/api/batch/jobs/hourly").bearer(&api.operator()).send().await;
    assert_eq!(job.expect(StatusCode::NOT_FOUND).json()["errorCode"], "B001");
    // It comes back, and goes on from where it was left.
    stage.jobs = all;
    assert_eq!(stage.look().await.started, 1);
}
