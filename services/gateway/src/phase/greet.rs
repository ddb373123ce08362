//! Whether a WebSocket may be opened, before the service is asked.

use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::handshake;

pub(crate) fn greet(exchange: &Exchange) -> Result<(), Failure> {
    let headers = &exchange.head.headers;
    if !handshake::is_from_allowed_page(&exchange.routing.origins, headers) {
        return Err(Failure::ForeignOrigin);
    }
    Ok(handshake::check(headers)?)
}
