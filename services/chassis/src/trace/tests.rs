//! The exporter against receivers that behave and receivers that do not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span as Received;
use prost::Message as _;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::context::TraceContext;
use super::endpoint::Endpoint;
use super::exporter::Exporter;
use super::queue::{BATCH, Queue};
use super::span::{Kind, Span};

/// What arrived, batch by batch; and what is answered, the last one from then on.
#[derive(Clone)]
struct Receiver {
    batches: Arc<Mutex<Vec<Vec<Received>>>>,
    answers: Arc<Mutex<Vec<StatusCode>>>,
    rejected: i64,
}

impl Receiver {
    fn answering(answers: &[StatusCode]) -> Self {
        let mut answers = answers.to_vec();
        answers.reverse();
        Self { batches: Arc::default(), answers: Arc::new(Mutex::new(answers)), rejected: 0 }
    }

    async fn listen(&self) -> String {
        let router = Router::new().route("/v1/traces", post(take)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        Handle::current().spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn sizes(&self) -> Vec<usize> {
        self.batches.lock().unwrap().iter().map(Vec::len).collect()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> (StatusCode, Vec<u8>) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["authorization"], "Bearer a b");
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let spans = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    receiver.batches.lock().unwrap().push(spans.flat_map(|scope| scope.spans).collect());
    let mut answers = receiver.answers.lock().unwrap();
    let status = if answers.len() > 1 { answers.pop() } else { answers.last().copied() };
    let partial = ExportTracePartialSuccess { rejected_spans: receiver.rejected, ..Default::default() };
    let partial_success = (receiver.rejected > 0).then_some(partial);
    (status.unwrap(), ExportTraceServiceResponse { partial_success }.encode_to_vec())
}

fn exporter(url: &str) -> (&'static Queue, Exporter, CancellationToken) {
    crate::crypto::install();
    let queue: &'static Queue = Box::leak(Box::new(Queue::new()));
    let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, "Bearer a b".parse().unwrap())]);
    let endpoint = Endpoint { url: url.parse().unwrap(), headers };
    let closing = CancellationToken::new();
    let exporter = Exporter::new(queue, &endpoint, "chat", "chat-1", closing.clone()).unwrap();
    (queue, exporter, closing)
}

fn record(queue: &'static Queue, spans: usize) {
    for _ in 0..spans {
        Span::open(queue, Kind::Internal, "work".into(), TraceContext::start(), false).end();
    }
}

/// Exported and dropped.
fn counts(queue: &Queue) -> (u64, u64) {
    (queue.exported.count(), queue.dropped.count())
}

#[tokio::test]
async fn spans_go_out_in_batches_and_the_last_ones_when_it_is_closed() {
    let receiver = Receiver::answering(&[StatusCode::OK]);
    let (queue, exporter, closing) = exporter(&receiver.listen().await);
    record(queue, BATCH * 2 + 7);
    closing.cancel();
    exporter.run().await;
    assert_eq!(receiver.sizes(), [BATCH, BATCH, 7]);
    assert_eq!(counts(queue), (1031, 0));
    let batches = receiver.batches.lock().unwrap();
    let span = &batches[0][0];
    assert_eq!((span.trace_id.len(), span.span_id.len(), span.parent_span_id.len()), (16, 8, 0));
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano && span.start_time_unix_nano > 0);
}

#[tokio::test]
async fn who_finds_no_place_is_dropped_and_counted() {
    let queue: &'static Queue = Box::leak(Box::new(Queue::new()));
    record(queue, 8192 + 10);
    assert_eq!(counts(queue), (0, 10));
    assert_eq!(queue.take().len(), BATCH);
    record(queue, 1);
    assert_eq!(counts(queue), (0, 10));
}

#[tokio::test]
async fn a_receiver_that_is_away_costs_spans_and_keeps_only_a_batch() {
    let (queue, mut exporter, _closing) =
        exporter(&format!("http://127.0.0.1:{}/v1/traces", testkit::free_port()));
    record(queue, 2000);
    exporter.send_what_waits().await;
    assert_eq!(counts(queue), (0, 2000));
    record(queue, BATCH + 3);
    assert_eq!(counts(queue), (0, 2003), "a batch waits for when it comes back");
}

#[tokio::test]
async fn a_receiver_that_comes_back_gets_spans_again() {
    let receiver = Receiver::answering(&[StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK]);
    let (queue, mut exporter, _closing) = exporter(&receiver.listen().await);
    record(queue, 5);
    exporter.send_what_waits().await;
    assert_eq!(counts(queue), (0, 5));
    assert_eq!(receiver.sizes(), [5], "what a receiver cannot digest is not sent again");
    record(queue, 3);
    exporter.send_what_waits().await;
    assert_eq!(counts(queue), (3, 5));
    record(queue, 1000);
    assert_eq!(counts(queue), (3, 5), "all places are there again");
}

#[tokio::test]
async fn a_receiver_that_is_busy_is_asked_once_more() {
    let receiver = Receiver::answering(&[StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK]);
    let (queue, mut exporter, _closing) = exporter(&receiver.listen().await);
    record(queue, 5);
    exporter.send_what_waits().await;
    assert_eq!(receiver.sizes(), [5, 5]);
    assert_eq!(counts(queue), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_never_answers_is_left() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (queue, mut exporter, _closing) = exporter(&format!("http://{}/", listener.local_addr().unwrap()));
    record(queue, 5);
    let since = tokio::time::Instant::now();
    exporter.send_what_waits().await;
    assert_eq!(counts(queue), (0, 5));
    let took = since.elapsed();
    assert!(
        took >= Duration::from_secs(4) && took < Duration::from_secs(5),
        "twice, and no longer: {took:?}"
    );
}

#[tokio::test]
async fn what_the_receiver_refuses_is_counted_as_dropped() {
    let receiver = Receiver { rejected: 2, ..Receiver::answering(&[StatusCode::OK]) };
    let (queue, mut exporter, _closing) = exporter(&receiver.listen().await);
    record(queue, 5);
    exporter.send_what_waits().await;
    assert_eq!(counts(queue), (3, 2));
}
