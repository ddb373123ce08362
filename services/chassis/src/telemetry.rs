//! Logs: one JSON object a line on standard output, with the trace of the request.
//!
//! Fields are those of the event and of the spans around it. A field `trace_id` moves to the top as `traceId`.

use std::fmt::Debug;
use std::io::Write as _;

use chrono::Utc;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber, error};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Base;
use crate::context;
use crate::log_level::LogControl;
use crate::trace;

/// Begins to log. Only the first call of a process has an effect; the control of later ones changes nothing.
pub fn install(base: &Base) -> LogControl {
    let (filter, handle) = reload::Layer::new(base.log.clone());
    let lines = JsonLines { service: base.service, instance: base.instance.clone() };
    let statements = base.traces.as_ref().map(|_| trace::statements());
    // Fails only when a subscriber is there already, as in tests that run in one process.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).with(statements).try_init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("a panic without a message");
        error!(place, "panicked: {message}");
    }));
    LogControl::new(base.log.clone(), move |targets: Targets| {
        // Fails only when the subscriber is gone.
        let _ = handle.reload(targets);
    })
}

struct JsonLines {
    service: &'static str,
    instance: String,
}

/// The fields of a span.
struct SpanFields(Map<String, Value>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Map::new();
        attributes.record(&mut Collect(&mut fields));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<SpanFields>()
        {
            values.record(&mut Collect(&mut fields.0));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(SpanFields(own)) = span.extensions().get::<SpanFields>() {
                fields.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        event.record(&mut Collect(&mut fields));
        // Serialising strings and numbers cannot fail, and a log line is no place to panic.
        let Ok(mut line) = serde_json::to_vec(&self.line(event, fields)) else {
            return;
        };
        line.push(b'\n');
        // Nobody is left to be told when standard output is gone.
        let _ = std::io::stdout().lock().write_all(&line);
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    target: &'a str,
    service: &'static str,
    instance: &'a str,
    message: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

impl JsonLines {
    fn line<'a>(&'a self, event: &Event<'a>, mut fields: Map<String, Value>) -> Line<'a> {
        // The span of the work that says it, which may lie below that of the request.
        let inner = context::trace().map(|trace| format!("{:016x}", trace.span_id).into());
        let outer = fields.remove("span_id");
        Line {
            timestamp: contract::time::format(Utc::now()),
            level: event.metadata().level().as_str(),
            target: event.metadata().target(),
            service: self.service,
            instance: &self.instance,
            message: fields.remove("message").unwrap_or_else(|| "".into()),
            trace_id: fields.remove("trace_id"),
            span_id: inner.or(outer),
            fields,
        }
    }
}

struct Collect<'a>(&'a mut Map<String, Value>);

impl Collect<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Collect<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}
