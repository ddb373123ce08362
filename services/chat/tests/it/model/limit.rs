//! What bounds the calls of a process: rate limits, the breaker, places, connections.

use std::time::Duration;

use http::StatusCode;
use resilience::breaker::State;
use testkit::{TestApp, eventually};
use tokio::net::{TcpSocket, TcpStream};

use super::stage::{LIMIT, Stage, TEXT};
use crate::fake_model::{Act, REPLY};

#[tokio::test]
async fn an_endpoint_that_says_when_to_come_back_is_left_alone_until_then() {
    let stage = Stage::new().await;
    stage.model.next("conversation", [Act::Refuse(429, Some("60"))]);
    stage.answer().await;
    let asked = stage.model.seen().len();
    for _ in 0..3 {
        let question = stage.question(TEXT, 1);
        assert_eq!(stage.answer_to(&question).await, stage.responder.by_rules(&question));
    }
    assert_eq!(stage.model.seen().len(), asked);
}

#[tokio::test]
async fn an_endpoint_that_wants_a_moment_gets_it_and_answers_the_same_turn() {
    let stage = Stage::new().await;
    stage.model.next("conversation", [Act::Refuse(429, Some("1"))]);
    let since = tokio::time::Instant::now();
    assert_eq!(stage.answer().await.reply, REPLY);
    assert!(since.elapsed() >= Duration::from_secs(1));
    assert_eq!(stage.model.seen_by("conversation").len(), 2);
}

#[tokio::test]
async fn a_dead_endpoint_is_cut_off_seen_by_operators_and_tried_again() {
    let stage = Stage::new().await;
    stage.model.always(Act::Refuse(500, None));
    let question = stage.question(TEXT, 1);
    let breaker = stage.platform.breakers().find("model").unwrap().breaker;
    let mut turns = 0;
    while breaker.snapshot().state == State::Closed {
        assert_eq!(stage.answer_to(&question).await, stage.responder.by_rules(&question));
        turns += 1;
        assert!(turns < 10, "it never opens");
    }
    let asked = stage.model.seen().len();
    assert!(asked <= 12, "{asked} requests to a dead endpoint");
    breaker.force_open();
    assert_eq!(stage.answer_to(&question).await, stage.responder.by_rules(&question));
    assert_eq!(stage.model.seen().len(), asked, "nothing is sent to one that is cut off");
    let app = TestApp::new(chassis::app(&stage.platform, utoipa_axum::router::OpenApiRouter::new()));
    let shown = app.get("/actuator/circuitbreakers").send().await.expect(StatusCode::OK).json();
    assert_eq!(shown["circuitBreakers"]["model"]["state"], "FORCED_OPEN");
    breaker.reset();
    stage.model.always(Act::Say(REPLY.to_owned()));
    assert_eq!(stage.answer_to(&question).await.reply, REPLY);
    let metrics = app.get("/actuator/prometheus").send().await.text();
    for name in [
        "http_client_requests_seconds_count{client_name=\"model\",method=\"POST\",uri=\"/chat/completions\",status=\"500\"",
        "chat_model_calls_seconds_count{agent=\"conversation\",outcome=\"success\"}",
        "chat_model_tokens_total{agent=\"conversation\",kind=\"prompt\"}",
        "chat_responder_fallbacks_total{part=\"conversation\",reason=\"open\"}",
        "resilience4j_circuitbreaker_state{name=\"model\"",
    ] {
        assert!(metrics.contains(name), "{name} is missing:\n{metrics}");
    }
}

#[tokio::test]
async fn calls_at_once_are_bounded() {
    let stage = Stage::with(&[("DORAN_CHAT_MODEL_AT_ONCE", "1")]).await;
    stage.model.next("conversation", [Act::Silent]);
    stage.model.next("analysis", [Act::Silent]);
    let question = stage.question(TEXT, 1);
    assert_eq!(
        stage.answer_within(&question, Duration::from_secs(1)).await,
        stage.responder.by_rules(&question)
    );
    assert_eq!(stage.model.seen().len(), 1, "the other waited for a place");
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_costs_little_time() {
    let port = testkit::free_port();
    let stage = Stage::with(&[("DORAN_CHAT_MODEL_URL", &format!("http://127.0.0.1:{port}/v1"))]).await;
    let question = stage.question(TEXT, 1);
    assert_eq!(stage.answer_to(&question).await, stage.responder.by_rules(&question));
    // Nothing was sent, so nothing is owed, and the turn is given back.
    stage.expect_used(0, 0, 0).await;
}

#[tokio::test]
async fn an_endpoint_that_does_not_take_connections_does_not_hold_a_turn() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // What nobody accepts waits in the queue; once that is full the kernel leaves newcomers without an answer.
    let mut queue = Vec::new();
    while let Ok(connected) = tokio::time::timeout(LIMIT / 40, TcpStream::connect(address)).await {
        queue.push(connected.unwrap());
    }
    let stage = Stage::with(&[("DORAN_CHAT_MODEL_URL", &format!("http://{address}/v1"))]).await;
    let question = stage.question(TEXT, 1);
    assert_eq!(
        stage.answer_within(&question, Duration::from_secs(1)).await,
        stage.responder.by_rules(&question)
    );
}

#[tokio::test]
async fn a_database_that_is_away_leaves_the_tutor() {
    let stage = Stage::new().await;
    stage.pool().close().await;
    let question = stage.question(TEXT, 1);
    assert_eq!(stage.answer_to(&question).await, stage.responder.by_rules(&question));
    assert!(stage.model.seen().is_empty(), "what cannot be accounted for is not asked");
    eventually(LIMIT, || async { stage.pool().is_closed() }).await;
}
