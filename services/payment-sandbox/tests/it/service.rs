//! What every service has.

use std::process::Command;

use http::StatusCode;

use crate::fixture::Sandbox;

#[tokio::test]
async fn the_sandbox_is_healthy_described_and_measured() {
    let sandbox = Sandbox::quiet().await;
    let app = sandbox.app();
    assert_eq!(app.get("/health").send().await.expect(StatusCode::OK).text(), "payment-sandbox is running");
    for path in ["/actuator/health", "/actuator/health/readiness"] {
        assert_eq!(app.get(path).send().await.status, StatusCode::OK, "{path}");
    }
    let api = app.get("/api-docs").send().await.json();
    for (path, method) in [
        ("/v1/payments/{id}", "put"),
        ("/v1/payments/{id}", "get"),
        ("/v1/payments/{id}/capture", "post"),
        ("/v1/payments/{id}/cancel", "post"),
        ("/v1/ledger", "get"),
    ] {
        assert!(api["paths"][path][method].is_object(), "{method} {path}");
    }
    sandbox.authorise(uuid::Uuid::now_v7(), "tok_approve", StatusCode::OK).await;
    let operator = sandbox.home.keys.token("operator", "payment-sandbox");
    let metrics = app.get("/actuator/prometheus").bearer(&operator).send().await.expect(StatusCode::OK);
    for series in ["payment_sandbox_bookings_total{booking=\"AUTHORISE\"}", "payment_sandbox_commit_seconds"]
    {
        assert!(metrics.text().contains(series), "{}", metrics.text());
    }
}

#[test]
fn the_binary_says_what_its_environment_lacks() {
    let output = Command::new(env!("CARGO_BIN_EXE_payment-sandbox")).env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("DORAN_PAYMENT_LEDGER is not set"));
}
