//! Completes every answer: trace, limits, origins, caching. Makes the gateway's own.

use std::error::Error as _;

use bytes::Bytes;
use chassis::error::ApiError;
use chassis::trace::TraceContext;
use chrono::Utc;
use contract::problem::Problem;
use contract::text::Language;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tracing::warn;

use super::authenticate::challenge;
use super::fallback;
use super::receive::is_events;
use crate::body::AnswerBody;
use crate::cors::Origins;
use crate::exchange::{Exchange, Identity};
use crate::failure::Failure;
use crate::handshake::{self, HandshakeFault};
use crate::limit::{Limit, Verdict};

const X_TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const X_FALLBACK: HeaderName = HeaderName::from_static("x-fallback");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const BURST: HeaderName = HeaderName::from_static("x-ratelimit-burst-capacity");
const RATE: HeaderName = HeaderName::from_static("x-ratelimit-replenish-rate");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Turns what the phases came to into the answer of the client.
pub(crate) fn respond(
    exchange: &Exchange,
    outcome: Result<Response<AnswerBody>, Failure>,
) -> Response<AnswerBody> {
    let mut response = outcome.unwrap_or_else(|failure| {
        if failure.is_upstreams() {
            log(exchange, &failure);
        }
        own_answer(exchange, &failure)
    });
    if exchange.admitted && fallback::stands_in(&exchange.head.method, exchange.path(), response.status()) {
        response = empty_list();
    }
    let streaming = is_events(response.headers());
    let last = exchange.ends_connection(response.status());
    let headers = response.headers_mut();
    put(headers, X_TRACE_ID, &exchange.trace.trace_id.to_string());
    if let (Some(matched), Some(verdict)) = (&exchange.matched, &exchange.verdict) {
        limit_headers(&matched.route.limit, verdict, headers);
    }
    // A stream of events has a rule of its own and cannot be stored anyway.
    if matches!(exchange.identity, Identity::User(_)) && !streaming {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if last {
        headers.append(CONNECTION, HeaderValue::from_static("close"));
    }
    exchange.routing.origins.apply(exchange.head.headers.get(http::header::ORIGIN), headers);
    response
}

/// The answer to a browser that asks whether it may ask.
pub(crate) fn preflight() -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::held(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    Origins::apply_preflight(response.headers_mut());
    response
}

fn own_answer(exchange: &Exchange, failure: &Failure) -> Response<AnswerBody> {
    let mut response =
        problem(&failure.to_api_error(), exchange.language(), exchange.path(), &exchange.trace);
    let headers = response.headers_mut();
    if let Some(challenge) = challenge(failure) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if matches!(failure, Failure::Handshake(HandshakeFault::Version)) {
        handshake::offer(headers);
    }
    response
}

/// The answer to a head that never became a request.
pub(crate) fn refused_head(
    failure: &Failure,
    language: Language,
    origins: &Origins,
    origin: Option<&HeaderValue>,
) -> Response<AnswerBody> {
    let trace = TraceContext::start();
    let mut response = problem(&failure.to_api_error(), language, "", &trace);
    let headers = response.headers_mut();
    put(headers, X_TRACE_ID, &trace.trace_id.to_string());
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    origins.apply(origin, headers);
    response
}

fn problem(error: &ApiError, language: Language, path: &str, trace: &TraceContext) -> Response<AnswerBody> {
    let problem = error.problem(language, path, trace.trace_id.to_string(), Utc::now());
    let body = serde_json::to_vec(&problem).expect("a problem has only strings and numbers");
    let mut response = Response::new(AnswerBody::held(body.into()));
    *response.status_mut() = error.status_code();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Problem::CONTENT_TYPE));
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = error.retry_after_secs() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn empty_list() -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::held(Bytes::from_static(b"[]")));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(X_FALLBACK, HeaderValue::from_static("true"));
    response
}

/// The names that Spring Cloud Gateway made common, and those of draft-ietf-httpapi-ratelimit-headers-10.
fn limit_headers(limit: &Limit, verdict: &Verdict, headers: &mut HeaderMap) {
    headers.insert(REMAINING, HeaderValue::from(verdict.remaining));
    headers.insert(BURST, HeaderValue::from(limit.burst));
    headers.insert(RATE, HeaderValue::from(limit.per_second));
    let seconds = |nanos: u64| nanos.div_ceil(1_000_000_000);
    let (remaining, reset) = (verdict.remaining, seconds(verdict.full_after));
    put(headers, RATE_LIMIT, &format!("\"default\";r={remaining};t={reset}"));
    let window = limit.burst.div_ceil(limit.per_second);
    put(headers, RATE_LIMIT_POLICY, &format!("\"default\";q={};w={window}", limit.burst));
}

fn log(exchange: &Exchange, failure: &Failure) {
    let route = exchange.matched.as_ref().map_or("", |matched| &*matched.route.id);
    let mut chain = String::new();
    let mut cause = failure.source();
    while let Some(error) = cause {
        chain.push_str(": ");
        chain.push_str(&error.to_string());
        cause = error.source();
    }
    warn!(trace_id = %exchange.trace.trace_id, route, "failed to forward a request: {failure}{chain}");
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
