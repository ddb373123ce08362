//! One request through two services, a database, the outbox and a consumer is one trace.
//!
//! A binary of its own: where spans go is the same for a whole process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, in its fixtures too")]

mod receiver;
mod service;

use std::process::Command;
use std::time::Duration;

use http::{HeaderName, Method, StatusCode};
use testkit::{TestDb, TestResponse, eventually};

use crate::receiver::{Receiver, attributes};
use crate::service::{Pair, listen};

const LIMIT: Duration = Duration::from_secs(20);
/// Names the interpreter that has tests/outside/requirements.txt installed.
const PYTHON: &str = "DORAN_TEST_PYTHON";
const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// What must not leave a service: in the path, the query, a header, the body, a parameter, a statement.
const CANARIES: [&str; 6] =
    ["mina@example.com", "query-canary", "203.0.113.7", "body-canary", "parameter-canary", "literal-canary"];

const TREE: &str = "\
server POST /rooms/{email}
  client POST store
    server POST /things/{email}
      client select outbox
      producer publish com.dorandoran.store.thing-changed.v1
        client insert outbox
        consumer process com.dorandoran.store.thing-changed.v1
          client insert effect
      client commit
";

async fn ask(pair: &Pair, traceparent: &'static str) -> TestResponse {
    let asked = pair
        .front
        .request(Method::POST, "/rooms/mina@example.com?q=query-canary")
        .header(HeaderName::from_static("x-forwarded-for"), "203.0.113.7")
        .header(HeaderName::from_static("traceparent"), traceparent)
        .json(&serde_json::json!({ "text": "body-canary" }));
    asked.send().await.expect(StatusCode::OK)
}

fn bytes_of(trace_id: &str) -> Vec<u8> {
    u128::from_str_radix(trace_id, 16).unwrap().to_be_bytes().to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_is_one_trace_from_its_caller_to_the_consumer_of_its_event() {
    let receiver = Receiver::default();
    let url = listen(receiver.router()).await;
    let (store, chat) = tokio::join!(TestDb::new("store_db"), TestDb::new("chat_db"));
    let pair = Pair::start(&store, &chat, &url).await;

    let answer = ask(&pair, GIVEN).await;
    let trace_id = answer.header("x-trace-id").unwrap().to_owned();
    assert_eq!(trace_id, GIVEN[3..35]);
    let caller = 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes();
    let tree = || async {
        let tree = receiver.tree(&bytes_of(&trace_id), &caller);
        if tree == TREE { Ok(()) } else { Err(tree) }
    };
    eventually(LIMIT, tree).await;

    for traceparent in ["garbage", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"] {
        let answer = ask(&pair, traceparent).await;
        let fresh = answer.header("x-trace-id").unwrap().to_owned();
        assert_ne!(fresh, trace_id);
        let whole = || async { receiver.tree(&bytes_of(&fresh), &[]) == TREE };
        eventually(LIMIT, whole).await;
    }
    check(&receiver, &pair).await;
    outside(&receiver);
}

/// Reads the same bytes with OpenTelemetry's own messages for Python.
fn outside(receiver: &Receiver) {
    let Some(python) = std::env::var_os(PYTHON) else {
        return testkit::skip(format_args!("{PYTHON} is not set; .ci/run prepares it"));
    };
    let directory = tempfile::tempdir().unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/outside/otlp_spans.py");
    let mut command = Command::new(python);
    command.arg(program);
    for (n, body) in receiver.bodies().iter().enumerate() {
        let file = directory.path().join(n.to_string());
        std::fs::write(&file, body).unwrap();
        command.arg(file);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), receiver.spans().len());
    assert!(lines.lines().any(|line| line.contains("\"name\": \"insert outbox\"")), "{lines}");
}

async fn check(receiver: &Receiver, pair: &Pair) {
    let spans = receiver.spans();
    let text = String::from_utf8_lossy(&receiver.bytes()).into_owned();
    for canary in CANARIES {
        assert!(!text.contains(canary), "{canary} has left the service");
    }
    let trace_id = bytes_of(&GIVEN[3..35]);
    let told = |name: &str| {
        let span = spans.iter().find(|span| span.trace_id == trace_id && span.name == name).unwrap();
        assert_eq!(span.flags & 1, 1, "the caller's flag goes along");
        attributes(span).into_iter().filter(|text| !text.starts_with("server.port")).collect::<Vec<_>>()
    };
    assert_eq!(
        told("POST /rooms/{email}"),
        ["http.request.method=POST", "http.response.status_code=200", "http.route=/rooms/{email}"]
    );
    assert_eq!(
        told("POST store"),
        ["http.request.method=POST", "http.response.status_code=200", "server.address=store"]
    );
    assert_eq!(
        told("insert outbox"),
        [
            "db.collection.name=outbox",
            "db.operation.name=insert",
            "db.query.summary=insert outbox",
            "db.response.returned_rows=0",
            "db.system.name=postgresql",
        ]
    );
    let consumed = told("process com.dorandoran.store.thing-changed.v1");
    assert!(consumed.contains(&"messaging.consumer.group.name=recorder".to_owned()), "{consumed:?}");
    assert!(spans.iter().all(|span| span.status.is_none()), "nothing has failed");
    assert!(!text.contains("/internal/events"), "waiting for events is no part of a trace");
    let resource = &receiver.resources()[0].attributes;
    let keys: Vec<_> = resource.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(keys, ["service.name", "service.instance.id", "service.version"]);
    let measures = pair.front.get("/actuator/prometheus").send().await.expect(StatusCode::OK);
    let measures = measures.text();
    assert!(measures.contains("otel_dropped_spans_total 0"), "{measures}");
    assert!(measures.contains("otel_exported_spans_total"));
}
