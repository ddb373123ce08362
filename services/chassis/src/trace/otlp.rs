//! Spans as OTLP has them. Pure.

use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, SpanFlags, Status};

use super::context::TraceContext;
use super::name::Value;
use super::span::{Kind, SpanData};

pub(super) fn resource(service: &str, instance: &str) -> Resource {
    let attributes = [
        ("service.name", service),
        ("service.instance.id", instance),
        ("service.version", env!("CARGO_PKG_VERSION")),
    ];
    Resource {
        attributes: attributes
            .into_iter()
            .map(|(key, text)| attribute(key, Any::StringValue(text.to_owned())))
            .collect(),
        ..Resource::default()
    }
}

pub(super) fn request(resource: &Resource, spans: Vec<SpanData>) -> ExportTraceServiceRequest {
    let scope = InstrumentationScope { name: "chassis".to_owned(), ..InstrumentationScope::default() };
    let spans = spans.into_iter().map(span).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let resource = Some(resource.clone());
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }],
    }
}

fn span(data: SpanData) -> Span {
    let SpanData { context, parent_is_remote, kind, name, start, took, attributes, failed, links } = data;
    let start = start.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let nanos = |since: std::time::Duration| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    let mut flags = u32::from(context.sampled) | SpanFlags::ContextHasIsRemoteMask as u32;
    if parent_is_remote {
        flags |= SpanFlags::ContextIsRemoteMask as u32;
    }
    Span {
        trace_id: trace_id(&context),
        span_id: context.span_id.to_be_bytes().to_vec(),
        parent_span_id: context.parent.map(|id| id.get().to_be_bytes().to_vec()).unwrap_or_default(),
        flags,
        name: name.text(),
        kind: span_kind(kind).into(),
        start_time_unix_nano: nanos(start),
        end_time_unix_nano: nanos(start + took),
        attributes: attributes.into_iter().map(|(key, value)| attribute(key, any(value))).collect(),
        links: links.iter().map(link).collect(),
        status: failed.then(|| Status { code: StatusCode::Error.into(), message: String::new() }),
        ..Span::default()
    }
}

fn link(context: &TraceContext) -> Link {
    Link {
        trace_id: trace_id(context),
        span_id: context.span_id.to_be_bytes().to_vec(),
        flags: u32::from(context.sampled),
        ..Link::default()
    }
}

fn trace_id(context: &TraceContext) -> Vec<u8> {
    context.trace_id.0.to_be_bytes().to_vec()
}

const fn span_kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    }
}

fn any(value: Value) -> Any {
    match value {
        Value::Number(number) => Any::IntValue(number),
        Value::Text(text) => Any::StringValue(text.into()),
        Value::Fixed(_) | Value::Shared(_) => Any::StringValue(value.text()),
    }
}

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
