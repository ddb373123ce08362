//! One request to one instance, and what its answer says.

use std::time::Duration;

use axum::body::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::error::{CallError, Edge};
use crate::context::RequestContext;
use crate::deadline;
use crate::identity::ServiceSigner;
use crate::metrics::method_label;
use crate::trace::{self, Kind, Name, Span, TraceContext};

/// Says to the callee how often this was tried before, so that only one layer repeats.
pub const RETRY_ATTEMPT: HeaderName = HeaderName::from_static("x-retry-attempt");
/// Makes a request that changes something safe to repeat: the callee answers the second as it did the first.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longer answers are not ours.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// What is asked, of whichever instance.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Bytes>,
    pub(super) key: Option<HeaderValue>,
    /// Beside those that every call has.
    pub(super) headers: HeaderMap,
}

impl Outgoing {
    /// Whether sending it twice does what sending it once does (RFC 9110 section 9.2.2).
    pub(super) fn may_repeat(&self) -> bool {
        self.method.is_idempotent() || self.key.is_some()
    }
}

/// What every attempt of a process shares.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) edge: Edge,
    pub(super) http: reqwest::Client,
    pub(super) signer: Option<ServiceSigner>,
}

impl Sender {
    /// Sends it to the instance at `url`, as attempt number `attempt` from 0, and reads the answer.
    pub(super) async fn send(
        &self,
        outgoing: &Outgoing,
        context: &RequestContext,
        url: &str,
        left: Duration,
        attempt: u8,
    ) -> Result<Vec<u8>, CallError> {
        let span = self.calling(outgoing, context, url, attempt);
        let trace = span.context().unwrap_or(context.trace);
        let answer = self.exchange(outgoing, context, trace, url, left, attempt).await;
        match &answer {
            Ok((status, _)) | Err(CallError::Refused { status, .. }) => span.answered(*status),
            Err(error) => span.fail(error.kind()),
        }
        answer.map(|(_, body)| body)
    }

    fn calling(&self, outgoing: &Outgoing, context: &RequestContext, url: &str, attempt: u8) -> Span {
        if !trace::is_on() {
            return Span::default();
        }
        let (method, callee) = (method_label(&outgoing.method), self.edge.callee);
        // Not the path: it has ids in it. The callee's own span has the route.
        let mut span = Span::child_of(&context.trace, Kind::Client, Name::with(method, callee));
        span.set("http.request.method", method);
        span.set("server.address", callee);
        if let Some(port) = url.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()) {
            span.set("server.port", port);
        }
        if attempt > 0 {
            span.set("http.request.resend_count", u16::from(attempt));
        }
        span
    }

    async fn exchange(
        &self,
        outgoing: &Outgoing,
        context: &RequestContext,
        trace: TraceContext,
        url: &str,
        left: Duration,
        attempt: u8,
    ) -> Result<(StatusCode, Vec<u8>), CallError> {
        let edge = self.edge;
        let mut request = self
            .http
            .request(outgoing.method.clone(), format!("{url}{}", outgoing.path))
            .headers(outgoing.headers.clone())
            .header("traceparent", trace.traceparent())
            .header(header::ACCEPT_LANGUAGE, context.language.tag())
            .header(deadline::HEADER, u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        if attempt > 0 {
            request = request.header(RETRY_ATTEMPT, u16::from(attempt));
        }
        if let Some(key) = &outgoing.key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(signer) = &self.signer {
            let token = signer
                .token_for(edge.callee)
                .map_err(|source| CallError::Request { edge, source: source.into() })?;
            request = request.bearer_auth(token);
        }
        if let Some(body) = &outgoing.body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        }
        let answer = request.send().await.map_err(|source| self.unanswered(source))?;
        self.read(answer).await
    }

    async fn read(&self, mut answer: reqwest::Response) -> Result<(StatusCode, Vec<u8>), CallError> {
        let (edge, status) = (self.edge, answer.status());
        let retry_after = retry_after(answer.headers());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|source| self.unanswered(source))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                let source = format!("longer than {MAX_ANSWER} bytes").into();
                return Err(CallError::BrokenAnswer { edge, source });
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok((status, body));
        }
        let problem = serde_json::from_slice(&body).ok();
        Err(CallError::Refused { edge, status, retry_after, problem })
    }

    fn unanswered(&self, source: reqwest::Error) -> CallError {
        let edge = self.edge;
        if source.is_builder() {
            CallError::Request { edge, source: source.into() }
        } else if source.is_connect() {
            CallError::Unreachable { edge, source }
        } else if source.is_timeout() {
            CallError::Timeout { edge }
        } else {
            CallError::Cut { edge, source }
        }
    }
}

/// Only the form in seconds: our services send no dates (RFC 9110 section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_same_effect_twice_may_be_repeated() {
        let outgoing = |method: Method, key: Option<&'static str>| Outgoing {
            method,
            path: "/".to_owned(),
            body: None,
            key: key.map(HeaderValue::from_static),
            headers: HeaderMap::new(),
        };
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            assert!(outgoing(method.clone(), None).may_repeat(), "{method}");
        }
        for method in [Method::POST, Method::PATCH] {
            assert!(!outgoing(method.clone(), None).may_repeat(), "{method}");
            assert!(outgoing(method.clone(), Some("k")).may_repeat(), "{method} with a key");
        }
    }

    #[test]
    fn retry_after_is_read_in_seconds() {
        for (value, expected) in [("3", Some(3)), (" 0 ", Some(0)), ("-1", None), ("Fri, 31 Dec 1999", None)]
        {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(retry_after(&headers), expected.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
