//! What a service answered, made fit for the client.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chassis::shutdown::Drain;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderMap, Response, StatusCode, Version};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::body::{AnswerBody, Streamed};
use crate::endpoint::Lease;
use crate::handshake;
use crate::hygiene;
use crate::patience::{Events, Patience};
use crate::route::Matched;
use crate::tunnel::Entrance;
use crate::wire::Wire;

/// A stream of events says something every 15 s.
const EVENT_PAUSE: Duration = Duration::from_mins(1);

pub(super) fn receive(
    response: Response<Incoming>,
    lease: Lease,
    deadline: Instant,
    drain: &Drain,
) -> Response<AnswerBody> {
    let (mut head, body) = response.into_parts();
    // The gateway asked for no other protocol, or for another one than this.
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        head.status = StatusCode::BAD_GATEWAY;
    }
    clean(&mut head);
    let patience = if is_events(&head.headers) {
        Patience::Events(Events::new(EVENT_PAUSE, drain.clone()))
    } else {
        Patience::Until(deadline)
    };
    Response::from_parts(head, AnswerBody::streamed(Streamed::new(body, patience, lease)))
}

/// The connection to the service becomes the other end of the client's.
pub(super) fn switch(
    wire: &Wire,
    matched: &Matched,
    mut response: Response<Incoming>,
) -> Response<AnswerBody> {
    let upstream = hyper::upgrade::on(&mut response);
    wire.open_tunnel(Entrance { upstream, pattern: Arc::clone(&matched.pattern) });
    let (mut head, _) = response.into_parts();
    clean(&mut head);
    head.headers.remove(CONTENT_LENGTH);
    handshake::accept(&mut head.headers);
    Response::from_parts(head, AnswerBody::held(Bytes::new()))
}

fn clean(head: &mut Parts) {
    // A service that speaks HTTP/1.0 must not make the gateway do so.
    head.version = Version::HTTP_11;
    hygiene::to_client(&mut head.headers);
}

/// Whether an answer is a stream of events, which ends when it ends.
pub(super) fn is_events(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}
