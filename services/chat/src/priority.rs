//! What a request to chat is, when too much is in flight.

use axum::extract::Request;
use chassis::layer::{self, Class};

/// Streams and sockets last for hours.
pub(crate) fn classify(request: &Request) -> Class {
    let path = request.uri().path();
    if path.starts_with("/api/chat/stream/") || path.starts_with("/ws/chat/") {
        Class::Waiting
    } else {
        layer::classify(request)
    }
}
