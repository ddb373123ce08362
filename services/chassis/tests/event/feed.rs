//! The feed on the wire: who may read it, what it answers, how it waits.

use std::time::Duration;

use chassis::event::New;
use contract::event::{CloudEvent, schema_urn};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::TestResponse;

use crate::service::{KIND, Pair, TRACE, id, write, write_with};

#[tokio::test]
async fn services_and_the_operator_may_read_nobody_else() {
    let pair = Pair::start().await;
    let producer = &pair.producer;
    for caller in ["auth", "gateway", "operator"] {
        let answer = producer.request(Method::GET, "/internal/events", caller).send().await;
        assert_eq!(answer.status, StatusCode::OK, "{caller}");
    }
    let nobody = producer.app.get("/internal/events").send().await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let stranger = testkit::ServiceKeys::generate(&["chat"]).token("chat", "store");
    let stranger = producer.app.get("/internal/events").bearer(&stranger).send().await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let head = producer.app.get("/internal/events/head").send().await;
    assert_eq!(head.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_event_is_a_cloud_event_in_a_batch() {
    let pair = Pair::start().await;
    let aggregate = id();
    let trace = chassis::trace::TraceContext::continue_from(Some(TRACE));
    let context = chassis::context::RequestContext::of_our_own(trace);
    let data = json!({ "name": "미나" });
    chassis::context::scope(context, write_with(&pair.producer.pool, aggregate, 7, data)).await;
    pair.producer.numbered(1).await;

    let answer = pair.producer.get("/internal/events").await.expect(StatusCode::OK);
    assert_eq!(answer.header("content-type"), Some("application/cloudevents-batch+json"));
    assert_eq!(answer.header("x-events-head"), Some("1"));
    let mut event = answer.json()[0].clone();
    let mut take = |key: &str| event.as_object_mut().unwrap().remove(key).unwrap();
    let (event_id, time, trace) = (take("id"), take("time"), take("traceparent"));
    assert!(event_id.as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    assert_eq!(trace.as_str().unwrap()[..36], TRACE[..36], "the trace of the request goes on");
    assert_eq!(
        event,
        json!({
            "specversion": "1.0",
            "source": "/store",
            "type": KIND,
            "subject": aggregate,
            "datacontenttype": "application/json",
            "dataschema": schema_urn(KIND),
            "sequence": "7",
            "position": "1",
            "partitionkey": aggregate,
            "data": { "name": "미나" },
        })
    );
}

fn positions(answer: &TestResponse) -> Vec<i64> {
    answer.parsed::<Vec<CloudEvent>>().iter().map(|event| event.position).collect()
}

#[tokio::test]
async fn pages_follow_each_other_and_the_end_is_an_empty_array() {
    let pair = Pair::start().await;
    for sequence in 1..=5 {
        write(&pair.producer.pool, id(), sequence).await;
    }
    pair.producer.numbered(5).await;
    for (query, expected) in [
        ("", vec![1, 2, 3, 4, 5]),
        ("?after=0&limit=2", vec![1, 2]),
        ("?after=2&limit=2", vec![3, 4]),
        ("?after=4&limit=2", vec![5]),
        ("?after=5", vec![]),
    ] {
        let answer = pair.producer.get(&format!("/internal/events{query}")).await.expect(StatusCode::OK);
        assert_eq!(positions(&answer), expected, "{query}");
        assert_eq!(answer.header("x-events-head"), Some("5"), "{query}");
    }
    for query in ["after=-1", "limit=0", "limit=1001", "wait=31", "after=x", "since=yesterday"] {
        let answer = pair.producer.get(&format!("/internal/events?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn a_waiting_reader_is_woken_by_the_commit() {
    let pair = Pair::start().await;
    let waiting = pair.producer.get("/internal/events?wait=30");
    let aggregate = id();
    let commit = async {
        // The reader waits by now, or will find the event there; either way it must not get `[]`.
        tokio::task::yield_now().await;
        write(&pair.producer.pool, aggregate, 1).await;
    };
    let (answer, ()) = tokio::join!(waiting, commit);
    assert_eq!(positions(&answer.expect(StatusCode::OK)), [1]);
}

#[tokio::test]
async fn a_wait_ends_with_the_deadline_of_the_request_and_is_no_error() {
    let pair = Pair::start().await;
    let deadline = http::HeaderName::from_static("x-request-timeout-ms");
    let request = pair.producer.request(Method::GET, "/internal/events?wait=30", "auth");
    let answer = request.header(deadline, "3000").send().await.expect(StatusCode::OK);
    assert_eq!(answer.json(), json!([]));
}

#[tokio::test]
async fn a_wait_ends_when_the_service_stops() {
    let pair = Pair::start().await;
    let waiting = pair.producer.get("/internal/events?wait=30");
    let stopping = async {
        tokio::task::yield_now().await;
        pair.producer.platform.drain().begin();
    };
    let (answer, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(5), waiting), stopping);
    assert_eq!(answer.expect("it does not wait on").expect(StatusCode::OK).json(), json!([]));
}

fn refusal(answer: &TestResponse) -> (u16, String) {
    let problem: Value = answer.json();
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{problem}");
    (answer.status.as_u16(), problem["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_position_that_cannot_be_gone_on_from_is_refused_and_never_passed_over() {
    let pair = Pair::start().await;
    let (status, _) = refusal(&pair.producer.get("/internal/events?after=3&wait=30").await);
    assert_eq!(status, 409, "there never was a position 3");

    for sequence in 1..=4 {
        write(&pair.producer.pool, id(), sequence).await;
    }
    pair.producer.numbered(4).await;
    sqlx::query("delete from outbox where position <= 2").execute(&pair.producer.pool).await.unwrap();
    for after in [0, 1] {
        let english = pair.producer.request(Method::GET, &format!("/internal/events?after={after}"), "auth");
        let answer = english.header(http::header::ACCEPT_LANGUAGE, "en").send().await;
        let (status, message) = refusal(&answer);
        assert_eq!(status, 410, "{after}");
        assert!(message.contains("go on from 2"), "{message}");
    }
    assert_eq!(positions(&pair.producer.get("/internal/events?after=2").await), [3, 4]);
    sqlx::query("delete from outbox").execute(&pair.producer.pool).await.unwrap();
    assert_eq!(refusal(&pair.producer.get("/internal/events?after=3").await).0, 410, "all are gone");
    assert_eq!(pair.producer.get("/internal/events?after=4").await.json(), json!([]));
}

#[tokio::test]
async fn one_answer_is_of_bounded_size() {
    let pair = Pair::start().await;
    // Nineteen of these make more than one answer may hold.
    let large = json!({ "text": "x".repeat(230_000) });
    for sequence in 1..=20 {
        write_with(&pair.producer.pool, id(), sequence, large.clone()).await;
    }
    pair.producer.numbered(20).await;
    let (first, second): (Vec<i64>, Vec<i64>) = ((1..=18).collect(), vec![19, 20]);
    assert_eq!(positions(&pair.producer.get("/internal/events").await), first);
    assert_eq!(positions(&pair.producer.get("/internal/events?after=18").await), second);
    let insert = "insert into outbox (event_type, aggregate_type, aggregate_id, sequence, payload)
                  select 'huge', 'thing', gen_random_uuid(), 1, jsonb_build_object('text', repeat('x', 5000000))";
    sqlx::query(insert).execute(&pair.producer.pool).await.unwrap();
    pair.producer.numbered(21).await;
    assert_eq!(
        positions(&pair.producer.get("/internal/events?after=20").await),
        [21],
        "one is always answered"
    );
}

#[tokio::test]
async fn what_no_reader_would_take_is_not_published() {
    let pair = Pair::start().await;
    let mut tx = pair.producer.pool.begin().await.unwrap();
    let data = json!({ "text": "x".repeat(256 * 1024) });
    let new = New { kind: "huge", aggregate_type: "thing", aggregate_id: id(), sequence: 1, data: &data };
    let refused = chassis::event::publish(&mut tx, new).await.unwrap_err();
    assert!(refused.to_string().contains("longer than 262144 bytes"), "{refused}");
}
