//! A receiver of traces, and the tree that it makes of what arrives.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

#[derive(Clone, Default)]
pub(crate) struct Receiver {
    bodies: Arc<Mutex<Vec<Bytes>>>,
}

impl Receiver {
    pub(crate) fn router(&self) -> Router {
        let take = |State(receiver): State<Self>, body: Bytes| async move {
            receiver.bodies.lock().unwrap().push(body);
        };
        Router::new().route("/v1/traces", post(take)).with_state(self.clone())
    }

    pub(crate) fn bodies(&self) -> Vec<Bytes> {
        self.bodies.lock().unwrap().clone()
    }

    /// Every byte that arrived.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bodies.lock().unwrap().concat()
    }

    pub(crate) fn resources(&self) -> Vec<Resource> {
        self.requests().into_iter().flat_map(|r| r.resource_spans).filter_map(|r| r.resource).collect()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let scopes = self.requests().into_iter().flat_map(|r| r.resource_spans).flat_map(|r| r.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// The spans of a trace below `parent`, one a line, by their beginning; without it from the first.
    pub(crate) fn tree(&self, trace_id: &[u8], parent: &[u8]) -> String {
        let mut spans = self.spans();
        spans.retain(|span| span.trace_id == trace_id);
        spans.sort_by_key(|span| span.start_time_unix_nano);
        let mut text = String::new();
        grow(&mut text, &spans, parent, 0);
        text
    }

    fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let bodies = self.bodies.lock().unwrap();
        bodies.iter().map(|body| ExportTraceServiceRequest::decode(&**body).unwrap()).collect()
    }
}

fn grow(text: &mut String, spans: &[Span], parent: &[u8], depth: usize) {
    for span in spans.iter().filter(|span| span.parent_span_id == parent) {
        let kind = format!("{:?}", span.kind()).to_lowercase();
        writeln!(text, "{:indent$}{kind} {}", "", span.name, indent = depth * 2).unwrap();
        grow(text, spans, &span.span_id, depth + 1);
    }
}

/// The attributes of a span as `name=value`, sorted.
pub(crate) fn attributes(span: &Span) -> Vec<String> {
    let mut attributes: Vec<_> = span
        .attributes
        .iter()
        .map(|attribute| match attribute.value.clone().and_then(|value| value.value) {
            Some(Value::StringValue(text)) => format!("{}={text}", attribute.key),
            Some(Value::IntValue(number)) => format!("{}={number}", attribute.key),
            other => panic!("{}: {other:?}", attribute.key),
        })
        .collect();
    attributes.sort();
    attributes
}
