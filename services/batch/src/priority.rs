//! What a request to batch is, when too much is in flight.

use axum::extract::Request;
use chassis::layer::{self, Class};

/// Streams last as long as executions.
pub(crate) fn classify(request: &Request) -> Class {
    let path = request.uri().path();
    if path.starts_with("/api/batch/executions/") && path.ends_with("/stream") {
        Class::Waiting
    } else {
        layer::classify(request)
    }
}
