//! Gives a request its trace, language, deadline and attempt, and records how it went.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::time::Instant;
use tracing::{Instrument, debug, error, info_span, warn};

use crate::client::RETRY_ATTEMPT;
use crate::context::{self, RequestContext};
use crate::deadline::{self, Budget};
use crate::error::ApiError;
use crate::event;
use crate::language;
use crate::latency;
use crate::metrics;
use crate::trace::{self, Kind, Name, Span, TraceContext};

/// Answers carry the trace's id under this name.
pub(super) const TRACE_HEADER: HeaderName = HeaderName::from_static("x-trace-id");

/// Stands for the template of what has no route.
const UNKNOWN: &str = "UNKNOWN";

pub(super) async fn attend(State(cap): State<Duration>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let template = request.extensions().get::<MatchedPath>().cloned();
    let template = template.as_ref().map_or(UNKNOWN, MatchedPath::as_str);
    let headers = request.headers();
    let mut trace = match request.extensions().get::<TraceContext>() {
        // This process has taken the request further outside.
        Some(outer) => *outer,
        None => TraceContext::continue_from(text(headers, &HeaderName::from_static("traceparent"))),
    };
    let serving = serving(&method, template, &mut trace);
    let context = RequestContext {
        trace,
        language: language::negotiate(text(headers, &header::ACCEPT_LANGUAGE)),
        budget: Budget::from_header(headers.get(deadline::HEADER), cap, started),
        path: request.uri().path().to_owned(),
        // What is no number was not sent by our client: whoever it is may not repeat by itself.
        retry_attempt: text(headers, &RETRY_ATTEMPT).and_then(|n| n.trim().parse().ok()).unwrap_or(0),
    };
    let trace_id = context.trace.trace_id.to_string();
    let span = info_span!(
        "request",
        trace_id,
        span_id = format!("{:016x}", context.trace.span_id),
        method = %method,
        route = template,
    );
    let mut response = context::scope(context, next.run(request).instrument(span.clone())).await;
    let took = started.elapsed();
    // The rest of a stream is not part of it.
    serving.answered(response.status());
    span.in_scope(|| report(&response, took));
    metrics::record_request(&method, template, response.status(), took);
    if latency::is_counted(template, response.headers()) {
        latency::record(took);
    }
    if let Ok(value) = HeaderValue::from_str(&trace_id) {
        response.headers_mut().insert(TRACE_HEADER, value);
    }
    response
}

/// The span of a request; none for operators, and for consumers, which wait for the next event as long as they may.
fn serving(method: &Method, template: &str, trace: &mut TraceContext) -> Span {
    if !trace::is_on() || template.starts_with("/actuator") || template == event::FEED {
        trace.unrecorded();
        return Span::default();
    }
    let verb = metrics::method_label(method);
    let known = template != UNKNOWN;
    let name = if known { Name::with(verb, template.to_owned()) } else { Name::of(verb) };
    let mut span = Span::own(Kind::Server, name, trace);
    span.set("http.request.method", verb);
    if known {
        span.set("http.route", template.to_owned());
    }
    span
}

/// The one place where a failure is logged, with its chain.
fn report(response: &Response, took: Duration) {
    let status = response.status().as_u16();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match response.extensions().get::<ApiError>() {
        Some(error) if status >= 500 => {
            let cause = error.chain().unwrap_or_default();
            if status == 500 {
                error!(status, duration_ms, code = %error.code(), cause, "request failed with {status}");
            } else {
                warn!(status, duration_ms, code = %error.code(), cause, "request failed with {status}");
            }
        }
        _ => debug!(status, duration_ms, "answered {status} in {duration_ms} ms"),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
