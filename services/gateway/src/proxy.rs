//! One request from its head to its answer: the phases, in order.

use std::net::IpAddr;
use std::rc::Rc;

use chassis::latency::is_counted;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::body::{AnswerBody, End};
use crate::core::Core;
use crate::cors;
use crate::exchange::{Exchange, Label, Purpose};
use crate::failure::Failure;
use crate::own;
use crate::phase::{Destination, admit, authenticate, forward, greet, match_route, preflight, respond};
use crate::wire::Wire;

/// Answers a request. Whatever goes wrong is an answer too.
pub(crate) async fn proxy(
    core: Rc<Core>,
    peer: IpAddr,
    wire: Rc<Wire>,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let (head, body) = request.into_parts();
    let mut exchange = Exchange::begin(head, core.routing(), peer, core.begin());
    if wire.upgrade_is_asked() {
        exchange.purpose = Purpose::WebSocket;
    }
    let outcome = if cors::is_preflight(&exchange.head.method, &exchange.head.headers) {
        Ok(preflight())
    } else {
        pass(&core, &mut exchange, &wire, body).await
    };
    let mut response = respond(&exchange, outcome);
    let switching = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if core.shared().drain.is_begun() && !switching {
        response.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    }
    let lasting = switching || !is_counted(exchange.path(), response.headers());
    exchange.tell(response.status());
    let meter = core.meter(&exchange, response.status());
    let meter = meter.map(|meter| if lasting { meter.untimed() } else { meter });
    response.body_mut().on_end(End { wire, meter, in_flight: exchange.in_flight.take() });
    response
}

/// Through the phases, as far as the request gets.
async fn pass(
    core: &Core,
    exchange: &mut Exchange,
    wire: &Wire,
    body: Incoming,
) -> Result<Response<AnswerBody>, Failure> {
    let matched = match match_route(exchange)? {
        Destination::Own => {
            exchange.label = Label::CountedElsewhere;
            exchange.in_flight = None;
            return Ok(own::serve(core, exchange, body).await);
        }
        Destination::Service(matched) => matched,
    };
    exchange.matched = Some(matched.clone());
    let identified = authenticate(&core.shared().verifier, matched.access, exchange).await;
    let refusal = identified.map(|identity| exchange.identity = identity).err();
    // Also who has no good token is counted, by address: its answers carry the limits as well.
    let (verdict, admitted) = admit(core.decider(), &matched.route, exchange).await;
    exchange.verdict = Some(verdict);
    admitted?;
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    exchange.admitted = true;
    if exchange.purpose == Purpose::WebSocket {
        greet(exchange)?;
    }
    forward(core, exchange, &matched, wire, body).await
}
