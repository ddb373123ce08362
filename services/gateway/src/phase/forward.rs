//! Sends the request to an instance and brings the head of its answer back.
//!
//! What was not sent may be sent again, to another instance; what was sent is only repeated when the
//! connection broke before an answer began, and only a request without a body that changes nothing.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chassis::trace::{Kind, Name, Span, TraceContext};
use http::header::{CONTENT_LENGTH, HOST, HeaderName};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout, timeout_at};

use super::pick::pick;
use super::receive::{receive, switch};
use crate::body::{AnswerBody, RequestBody, Upload};
use crate::connect::{Sender, connect};
use crate::core::Core;
use crate::endpoint::{Endpoint, Lease};
use crate::exchange::{Exchange, Purpose};
use crate::failure::Failure;
use crate::forwarded::{self, Origin};
use crate::handshake;
use crate::hygiene;
use crate::metrics::method_label;
use crate::route::Matched;
use crate::wire::Wire;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const REQUEST_TIMEOUT_MS: HeaderName = HeaderName::from_static("x-request-timeout-ms");
/// An instance on this machine or the next answers at once or not at all.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// Why one attempt brought no answer.
enum Miss {
    /// Nothing was sent, or what was may be sent again: the instance died over it. The body comes back.
    Again {
        body: RequestBody,
        source: io::Error,
    },
    Broken(hyper::Error),
}

pub(crate) async fn forward(
    core: &Core,
    exchange: &Exchange,
    matched: &Matched,
    wire: &Wire,
    body: Incoming,
) -> Result<Response<AnswerBody>, Failure> {
    let deadline = Instant::from_std(exchange.started + matched.route.timeout);
    if body.size_hint().lower() > core.shared().limits.body {
        return Err(Failure::BodyTooLarge);
    }
    let body = RequestBody::new(body, core.shared().limits.body);
    let upload = body.upload();
    let answered = timeout_at(deadline, attempts(core, exchange, matched, deadline, body)).await;
    let failure = match answered {
        // The service gave up on the body that we wait for ourselves.
        Ok(Ok((response, _)))
            if upload.get() == Upload::Awaited && response.status() == StatusCode::GATEWAY_TIMEOUT =>
        {
            Failure::BodySlow
        }
        Ok(Ok((response, _)))
            if exchange.purpose == Purpose::WebSocket && handshake::is_accepted(&response) =>
        {
            return Ok(switch(wire, matched, response));
        }
        Ok(Ok((response, lease))) => {
            return Ok(receive(response, lease, deadline, &core.shared().drain));
        }
        Ok(Err(failure)) => failure,
        Err(_elapsed) => Failure::Timeout { service: matched.route.service.to_string() },
    };
    // The client's own doing comes first: the service only saw its consequence.
    Err(match upload.get() {
        Upload::TooLarge => Failure::BodyTooLarge,
        Upload::Broken => Failure::BodyBroken,
        Upload::Awaited if matches!(failure, Failure::Timeout { .. }) => Failure::BodySlow,
        Upload::Awaited | Upload::Flowing | Upload::Done => failure,
    })
}

/// One instance, and once another one when the first could not be reached or died over it.
async fn attempts(
    core: &Core,
    exchange: &Exchange,
    matched: &Matched,
    deadline: Instant,
    mut body: RequestBody,
) -> Result<(Response<Incoming>, Lease), Failure> {
    let service = &*matched.route.service;
    let mut tried: Option<(Rc<Endpoint>, io::Error)> = None;
    loop {
        let picked = pick(core, service, tried.as_ref().map(|(endpoint, _)| endpoint));
        let endpoint = match (picked, tried.take()) {
            (Ok(endpoint), None) => endpoint,
            (Ok(endpoint), Some((first, source))) => {
                tried = Some((first, source));
                endpoint
            }
            // The only instance there is could not be reached.
            (Err(_), Some((_, source))) => {
                return Err(Failure::Unreachable { service: service.to_owned(), source });
            }
            (Err(failure), None) => return Err(failure),
        };
        match attempt(core, exchange, matched, deadline, &endpoint, body).await {
            Ok(answer) => return Ok(answer),
            Err(Miss::Broken(source)) => {
                return Err(Failure::Broken { service: service.to_owned(), source });
            }
            Err(Miss::Again { body: unsent, source }) => {
                endpoint.could_not_be_reached();
                if tried.is_some() {
                    return Err(Failure::Unreachable { service: service.to_owned(), source });
                }
                tried = Some((endpoint, source));
                body = unsent;
            }
        }
    }
}

/// One attempt and its span.
async fn attempt(
    core: &Core,
    exchange: &Exchange,
    matched: &Matched,
    deadline: Instant,
    endpoint: &Rc<Endpoint>,
    body: RequestBody,
) -> Result<(Response<Incoming>, Lease), Miss> {
    let span = calling(exchange, matched, endpoint);
    let asking = Asking { exchange, matched, deadline, trace: span.context().unwrap_or(exchange.trace) };
    let answer = ask(core, &asking, endpoint, body).await;
    match &answer {
        Ok((response, _)) => span.answered(response.status()),
        Err(Miss::Again { .. }) => span.fail("unreachable"),
        Err(Miss::Broken(_)) => span.fail("cut"),
    }
    answer
}

fn calling(exchange: &Exchange, matched: &Matched, endpoint: &Endpoint) -> Span {
    if !exchange.span.is_on() {
        return Span::default();
    }
    let method = method_label(&exchange.head.method);
    let service = &matched.route.service;
    let mut span = Span::child_of(&exchange.trace, Kind::Client, Name::with(method, Arc::clone(service)));
    span.set("http.request.method", method);
    span.set("server.address", Arc::clone(service));
    if let Some(port) = endpoint.address.port() {
        span.set("server.port", port);
    }
    span
}

/// What an attempt asks for.
struct Asking<'a> {
    exchange: &'a Exchange,
    matched: &'a Matched,
    deadline: Instant,
    /// The attempt's own place in the trace.
    trace: TraceContext,
}

/// Over an open connection if there is one that still lives, else over a new one. A WebSocket has one of its own.
async fn ask(
    core: &Core,
    asking: &Asking<'_>,
    endpoint: &Rc<Endpoint>,
    mut body: RequestBody,
) -> Result<(Response<Incoming>, Lease), Miss> {
    let exchange = asking.exchange;
    let upload = body.upload();
    let repeatable = may_repeat(&exchange.head.method, &body);
    while exchange.purpose == Purpose::Answer
        && let Some(mut sender) = endpoint.checkout()
    {
        if sender.ready().await.is_err() {
            continue;
        }
        let request = upstream_request(asking, endpoint, body);
        match sender.try_send_request(request).await {
            Ok(response) => return Ok((response, lease(exchange, endpoint, sender, &upload))),
            Err(mut refused) => match refused.take_message() {
                Some(unsent) => body = unsent.into_body(),
                None if repeatable => {
                    body = RequestBody::empty();
                    break;
                }
                None => return Err(Miss::Broken(refused.into_error())),
            },
        }
    }
    let connected = timeout(CONNECT_LIMIT, connect(core, &endpoint.address)).await;
    let mut sender = match connected.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(sender) => sender,
        Err(source) => return Err(Miss::Again { body, source }),
    };
    endpoint.was_reached();
    let request = upstream_request(asking, endpoint, body);
    match sender.try_send_request(request).await {
        Ok(response) => Ok((response, lease(exchange, endpoint, sender, &upload))),
        Err(mut refused) => {
            let unsent = refused.take_message().map(Request::into_body);
            let body = unsent.or_else(|| repeatable.then(RequestBody::empty));
            Err(match (body, refused.into_error()) {
                (Some(body), source) => Miss::Again { body, source: io::Error::other(source) },
                (None, source) => Miss::Broken(source),
            })
        }
    }
}

fn lease(exchange: &Exchange, endpoint: &Rc<Endpoint>, sender: Sender, upload: &Rc<Cell<Upload>>) -> Lease {
    Lease { endpoint: Rc::clone(endpoint), sender, upload: Rc::clone(upload), purpose: exchange.purpose }
}

/// RFC 9110 section 9.2.2, narrowed to what costs nothing to repeat.
fn may_repeat(method: &Method, body: &RequestBody) -> bool {
    matches!(*method, Method::GET | Method::HEAD) && body.is_end_stream()
}

/// The request as the service gets it. Its path is the client's, byte for byte.
fn upstream_request(asking: &Asking<'_>, endpoint: &Endpoint, body: RequestBody) -> Request<RequestBody> {
    let &Asking { exchange, matched, deadline, trace } = asking;
    let head = &exchange.head;
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.version_mut() = Version::HTTP_11;
    *request.uri_mut() = target(&head.uri, matched.rewritten.as_deref());
    let mut headers = hygiene::to_upstream(&head.headers);
    let proxies = &exchange.routing.proxies;
    let origin = Origin {
        peer: exchange.peer,
        peer_trusted: proxies.trust(exchange.peer),
        client: proxies.client(exchange.peer, &head.headers),
        host: head.headers.get(HOST),
    };
    forwarded::forward(origin, &head.headers, &mut headers);
    headers.insert(HOST, endpoint.authority.clone());
    if let Ok(trace) = HeaderValue::from_str(&trace.traceparent()) {
        headers.insert(TRACEPARENT, trace);
    }
    let left = deadline.saturating_duration_since(Instant::now());
    let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    headers.insert(REQUEST_TIMEOUT_MS, HeaderValue::from(left));
    if request.body().is_end_stream() && !headers.contains_key(CONTENT_LENGTH) && head.method == Method::POST
    {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    if exchange.purpose == Purpose::WebSocket {
        handshake::ask(&mut headers);
    }
    *request.headers_mut() = headers;
    request
}

fn target(asked: &Uri, rewritten: Option<&str>) -> Uri {
    let query = asked.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = match rewritten {
        Some(path) => format!("{path}{query}").parse::<PathAndQuery>().ok(),
        None => asked.path_and_query().cloned(),
    };
    path.map_or_else(Uri::default, Uri::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_goes_on_byte_for_byte() {
        for path in ["/api/users/check-email/a%2Bb%40x.y", "/a/100%25?q=%41+b&c", "/a/?"] {
            let asked: Uri = path.parse().unwrap();
            assert_eq!(target(&asked, None).to_string(), path);
        }
        let asked: Uri = "/.well-known/jwks.json?x=1".parse().unwrap();
        let rewritten = target(&asked, Some("/api/auth/.well-known/jwks.json"));
        assert_eq!(rewritten.to_string(), "/api/auth/.well-known/jwks.json?x=1");
        let absolute: Uri = "http://evil.example/api/users?x".parse().unwrap();
        assert_eq!(target(&absolute, None).to_string(), "/api/users?x");
    }

    #[test]
    fn only_what_changes_nothing_is_repeated() {
        let none = RequestBody::empty();
        assert!(may_repeat(&Method::GET, &none) && may_repeat(&Method::HEAD, &none));
        assert!(!may_repeat(&Method::POST, &none) && !may_repeat(&Method::DELETE, &none));
    }
}
