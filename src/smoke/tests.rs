//! The runner against a real server that misbehaves on purpose.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use contract::claims::OPERATOR;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::plan::Targets;
use super::record::Verdict;
use super::report::{Document, ScenarioReport};
use super::runner::{Limits, run};
use super::{parse, plan, render_scenario};
use crate::error::ExitStatus;
use crate::secrets::Secrets;

const CANARY: &str = "canary-7f3a9c/0+x";

/// How often each misbehaving route was asked.
#[derive(Default)]
struct Asked {
    flaky: AtomicUsize,
    throttled: AtomicUsize,
}

struct FakeServer {
    base: String,
    /// Serves until the test is over.
    _serving: JoinSet<()>,
}

async fn fake_server() -> FakeServer {
    let router = Router::new()
        .route("/login", post(|| async { axum::Json(json!({ "data": { "accessToken": CANARY, "id": 7 } })) }))
        .route("/echo", any(echo))
        .route("/echo/{*rest}", any(echo))
        .route("/flaky", get(flaky))
        .route("/throttled", post(throttled))
        .route(
            "/forever-throttled",
            get(|| async { (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")]) }),
        )
        .route("/elsewhere", get(|| async { Redirect::temporary("/flaky") }))
        .route("/hangs", get(pending::<Response>))
        .with_state(Arc::new(Asked::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
    FakeServer { base, _serving: serving }
}

/// Sends back what it got: credentials in the body, in a header, and in the midst of text.
async fn echo(headers: HeaderMap, body: String) -> Response {
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let echo = authorization.clone().unwrap_or_default();
    let body = json!({
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "youSent": format!("<{echo}> {body}"),
        "nested": { "password": "canary-unknown-to-the-scenario" },
    });
    ([("x-echo", echo), ("content-type", "application/json".to_owned())], body.to_string()).into_response()
}

async fn flaky(State(asked): State<Arc<Asked>>) -> (StatusCode, Body) {
    match asked.flaky.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => (StatusCode::SERVICE_UNAVAILABLE, Body::empty()),
        _ => (StatusCode::OK, Body::from("fine")),
    }
}

async fn throttled(State(asked): State<Arc<Asked>>) -> Response {
    match asked.throttled.fetch_add(1, Ordering::Relaxed) {
        0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response(),
        _ => StatusCode::CREATED.into_response(),
    }
}

/// A service nobody listens for.
fn refusing() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

const PATIENT: Duration = Duration::from_mins(1);

async fn smoke(steps: &str, total: Duration) -> Vec<ScenarioReport> {
    let server = fake_server().await;
    let text = format!(
        "scenarios:\n  - name: s\n    variables: {{ password: {{ value: '{CANARY}', secret: true }} }}\n    steps:{steps}"
    );
    let file = parse("x.yaml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let services =
        [("refusing".to_owned(), vec![refusing()]), ("echo".to_owned(), vec![server.base.clone()])];
    let targets = Targets::new(server.base.clone(), services);
    let home = TempDir::new().unwrap();
    let secrets = Secrets::new(home.path().join("secrets"));
    secrets.ensure_service_files(std::iter::empty()).unwrap();
    let key = secrets.service_key_file(OPERATOR);
    let limits = Limits { total, answer: PATIENT, parallel: 2 };
    let mut shown = Vec::new();
    let reports = run(plan(&[file], &targets).unwrap(), limits, &key, |report| {
        shown.push(report.clone());
        Ok(())
    });
    let reports = reports.await.unwrap();
    assert_eq!(shown, reports, "what was shown on the way is what is returned");
    reports
}

fn verdicts(report: &ScenarioReport) -> Vec<Verdict> {
    report.steps.iter().map(|step| step.verdict).collect()
}

fn text_of(report: &ScenarioReport) -> String {
    anstream::adapter::strip_str(&render_scenario(report)).to_string()
}

#[tokio::test]
async fn captures_carry_values_from_step_to_step() {
    let reports = smoke(
        "
      - name: log in
        request: POST /login
        json: { password: '${password}' }
        expect: { status: 200, json: { /data/id: 7 } }
        capture: { token: { json: /data/accessToken, secret: true }, id: /data/id }
      - name: use it
        request: PUT /echo/${id}
        headers: { Authorization: 'Bearer ${token}' }
        json: { id: '${id}' }
        expect:
          status: 200
          headers: { X-Echo: 'Bearer ${token}' }
          json: { /youSent: '<Bearer ${token}> {\"id\":7}' }
",
        PATIENT,
    )
    .await;
    assert_eq!(verdicts(&reports[0]), [Verdict::Passed, Verdict::Passed], "{}", text_of(&reports[0]));
    assert_eq!(Document::new(reports, PATIENT).summary.exit_status(), ExitStatus::Success);
}

#[tokio::test]
async fn a_step_that_asks_as_the_operator_carries_a_token_that_is_never_shown() {
    let reports = smoke(
        "
      - name: with a token
        service: echo
        as: operator
        request: POST /echo
        expect: { status: 200, headers: { X-Echo: { matches: '^Bearer eyJ' } } }
      - name: shows none
        service: echo
        as: operator
        request: POST /echo
        expect: { status: 500 }
",
        PATIENT,
    )
    .await;
    assert_eq!(verdicts(&reports[0]), [Verdict::Passed, Verdict::Failed], "{}", text_of(&reports[0]));
    assert!(!text_of(&reports[0]).contains("eyJ"), "{}", text_of(&reports[0]));
}

#[tokio::test]
async fn a_failed_step_ends_its_scenario_and_shows_what_came() {
    let reports = smoke(
        "
      - name: first
        request: GET /echo
        expect: { status: 201, json: { /gone: 1 } }
      - name: second
        request: GET /echo
        expect: { status: 200 }
",
        PATIENT,
    )
    .await;
    assert_eq!(verdicts(&reports[0]), [Verdict::Failed, Verdict::Skipped]);
    let attempt = &reports[0].steps[0].attempts[0];
    assert_eq!(attempt.trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
    let text = text_of(&reports[0]);
    for part in [
        "✘ first",
        "GET http://127.0.0.1:",
        "/echo → 200",
        "status: expected 201, got 200",
        "json /gone: expected 1, got absent",
        "body: {",
        "– second  skipped",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert_eq!(Document::new(reports, PATIENT).summary.exit_status(), ExitStatus::AssertionFailed);
}

/// Each check fails, and what it says would hold the secret.
const LEAKY: &str = "
      - name: log in
        request: POST /login
        json: { password: '${password}' }
        expect: { status: 200 }
        capture: { token: { json: /data/accessToken, secret: true } }
      - name: everything goes wrong
        request: POST /echo/${token}
        headers: { Authorization: 'Bearer ${token}' }
        json: { password: '${password}', note: 'my token is ${token}' }
        expect:
          status: 500
          headers: { X-Echo: { equals: 'other ${token}', matches: never } }
          json:
            /youSent: 'just ${token}'
            /nested: { equals: { password: '${token}' } }
            /nested/password: ${password}
            /nested/gone: ${token}
          body_contains: 'nothing but ${token}'
";

const LEAKY_REFUSED: &str = "
      - name: nobody is there
        service: refusing
        request: GET /echo/${password}
        headers: { Authorization: 'Bearer ${password}' }
        expect: { status: 200 }
";

#[tokio::test]
async fn a_secret_in_body_header_path_or_error_is_in_no_report() {
    for (steps, attempt, failures) in [(LEAKY, 1, 8), (LEAKY_REFUSED, 0, 0)] {
        let reports = smoke(steps, PATIENT).await;
        let failed = &reports[0].steps[attempt];
        assert_eq!((failed.verdict, failed.attempts[0].failures.len()), (Verdict::Failed, failures));
        let text = text_of(&reports[0]);
        let json = serde_json::to_string(&Document::new(reports, PATIENT)).unwrap();
        for output in [text, json] {
            assert!(output.contains("http://127.0.0.1:") && output.contains("***"), "{output}");
            assert!(!output.contains("canary"), "{output}");
        }
    }
}

#[tokio::test]
async fn eventually_asks_again_and_records_every_attempt() {
    let reports = smoke(
        "
      - name: comes up
        request: GET /flaky
        eventually: { within: 30s, every: 5ms }
        expect: { status: 200, body_contains: fine }
",
        PATIENT,
    )
    .await;
    let step = &reports[0].steps[0];
    let statuses: Vec<_> = step.attempts.iter().map(|attempt| attempt.status.unwrap()).collect();
    assert_eq!((step.verdict, statuses), (Verdict::Passed, vec![503, 503, 200]));
    let text = text_of(&reports[0]);
    assert!(text.contains("3 attempts, before: status: expected 200, got 503"), "{text}");
}

#[tokio::test]
async fn without_eventually_there_is_one_attempt() {
    let reports =
        smoke("\n      - { name: a, request: GET /flaky, expect: { status: 200 } }\n", PATIENT).await;
    assert_eq!((reports[0].verdict, reports[0].steps[0].attempts.len()), (Verdict::Failed, 1));
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_and_counts_as_an_attempt() {
    let reports =
        smoke("\n      - { name: a, request: POST /throttled, expect: { status: 201 } }\n", PATIENT).await;
    assert_eq!((reports[0].verdict, reports[0].steps[0].attempts.len()), (Verdict::Passed, 2));
}

#[tokio::test]
async fn a_rate_limit_longer_than_the_run_is_a_failure() {
    let step = "\n      - { name: a, request: GET /forever-throttled, expect: { status: 200 } }\n";
    let reports = smoke(step, PATIENT).await;
    assert_eq!((reports[0].verdict, reports[0].steps[0].attempts.len()), (Verdict::Failed, 1));
}

#[tokio::test]
async fn a_rate_limit_may_be_what_is_expected() {
    let step = "\n      - { name: a, request: GET /forever-throttled, expect: { status: 429 } }\n";
    assert_eq!(smoke(step, PATIENT).await[0].verdict, Verdict::Passed);
}

#[tokio::test]
async fn redirects_are_seen_not_followed() {
    let step = "\n      - { name: a, request: GET /elsewhere, expect: { status: 307, headers: { Location: /flaky } } }\n";
    assert_eq!(smoke(step, PATIENT).await[0].verdict, Verdict::Passed);
}

#[tokio::test]
async fn the_end_of_the_time_leaves_steps_unfinished() {
    let reports = smoke(
        "
      - { name: hangs, request: GET /hangs, expect: { status: 200 } }
      - { name: never reached, request: GET /echo, expect: { status: 200 } }
",
        Duration::from_millis(50),
    )
    .await;
    assert_eq!(verdicts(&reports[0]), [Verdict::Unfinished, Verdict::Skipped]);
    assert!(text_of(&reports[0]).contains("hangs  the time was over"), "{}", text_of(&reports[0]));
    let document = Document::new(reports, PATIENT);
    assert_eq!(document.summary.exit_status(), ExitStatus::Deadline);
}

#[tokio::test]
async fn the_document_has_the_promised_shape() {
    let step = "\n      - { name: a, request: GET /echo, expect: { status: 200 } }\n";
    let mut document = serde_json::to_value(Document::new(smoke(step, PATIENT).await, PATIENT)).unwrap();
    let took = |value: &mut Value| assert!(value.take().is_u64());
    let item = &mut document["items"][0];
    assert!(item["steps"][0]["request"].take().as_str().unwrap().starts_with("GET http://127.0.0.1:"));
    took(&mut item["tookMs"]);
    took(&mut item["steps"][0]["tookMs"]);
    took(&mut item["steps"][0]["attempts"][0]["tookMs"]);
    let expected = json!({
        "schema": "doran.smoke/1",
        "items": [{
            "name": "s",
            "file": "x.yaml",
            "verdict": "passed",
            "tookMs": null,
            "steps": [{
                "name": "a",
                "verdict": "passed",
                "request": null,
                "tookMs": null,
                "attempts": [{ "tookMs": null, "status": 200 }],
            }],
        }],
        "summary": { "passed": 1, "failed": 0, "unfinished": 0, "steps": 1, "tookMs": 60_000 },
    });
    assert_eq!(document, expected);
}
