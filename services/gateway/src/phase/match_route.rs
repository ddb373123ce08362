//! Where a request goes.

use http::Method;

use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::route::{self, Matched};

/// First segments that the gateway serves itself.
const OWN: [&str; 4] = ["actuator", "api-docs", "swagger-ui", "swagger-ui.html"];

pub(crate) enum Destination {
    /// The gateway's own pages and operation.
    Own,
    Service(Matched),
}

pub(crate) fn match_route(exchange: &Exchange) -> Result<Destination, Failure> {
    let path = exchange.path();
    route::screen(path)?;
    if matches!(exchange.head.method, Method::TRACE | Method::CONNECT) {
        return Err(Failure::Method);
    }
    let first = path[1..].split('/').next().unwrap_or_default();
    if path == "/" || OWN.contains(&first) {
        return Ok(Destination::Own);
    }
    let matched = exchange.routing.table.find(&exchange.head.method, path);
    matched.map(Destination::Service).ok_or(Failure::NoRoute)
}
