//! The service on a real database, through its router and as a process.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests do")]

mod api;
mod engine;
mod jobs;
mod schedule;
mod upkeep;

use std::process::Command;
use std::time::Duration;

use batch::Config;
use chassis::{HasBase as _, Platform};
use http::StatusCode;
use serde_json::json;
use testkit::{TestApp, TestDb, eventually};

const LIMIT: Duration = Duration::from_secs(10);
const READINESS: &str = "/actuator/health/readiness";

async fn service(db: &TestDb) -> TestApp {
    // Nothing is written there.
    let directory = testkit::private_directory();
    let objects = format!("file://{}", directory.path().display());
    let config = Config::from_env(&[("DATABASE_URL", &*db.url()), ("DORAN_OBJECT_STORE_URL", &objects)])
        .expect("the test's environment is complete");
    let platform = Platform::quiet(config.base().clone()).expect("nothing can be missing");
    match batch::build(config, platform).await.expect("the service builds") {
        chassis::Service::Router(router) => TestApp::new(router),
        chassis::Service::Custom(_) => panic!("batch is served by the chassis"),
    }
}

#[tokio::test]
async fn the_service_is_ready_on_a_migrated_database() {
    let db = TestDb::new("batch_db").await;
    let app = service(&db).await;
    eventually(LIMIT, || async { app.get(READINESS).send().await.status == StatusCode::OK }).await;
    let health = app.get("/actuator/health").send().await.expect(StatusCode::OK).json();
    assert_eq!(health["components"]["db"], json!({ "status": "UP" }));
}

#[tokio::test]
async fn the_service_is_not_ready_on_a_database_without_its_tables() {
    let db = TestDb::empty("batch_db").await;
    let app = service(&db).await;
    let health = app.get("/actuator/health").send().await.expect(StatusCode::OK).json();
    assert_eq!(health["components"]["db"], json!({ "status": "UP" }), "the database itself is there");
    let readiness = app.get(READINESS).send().await.expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(readiness.json()["missing"], json!(["jobs", "schema"]));
}

#[tokio::test]
async fn the_health_route_answers_and_is_described() {
    let db = TestDb::empty("batch_db").await;
    let app = service(&db).await;
    let answer = app.get("/api/batch/health").send().await.expect(StatusCode::OK);
    assert_eq!(answer.text(), "batch is running");
    let api = app.get("/api-docs").send().await.json();
    assert!(api["paths"]["/api/batch/health"]["get"].is_object(), "{api}");
}

#[test]
fn the_binary_says_what_its_environment_lacks() {
    let output = Command::new(env!("CARGO_BIN_EXE_batch")).env_clear().output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("DATABASE_URL is not set"));
}
