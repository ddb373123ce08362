//! What a request to user is, when too much is in flight.

use axum::extract::Request;
use chassis::layer::{self, Class, Priority};
use http::Method;

/// A sign-up waits in auth's queue for hashing passwords: its time says nothing about our own load.
pub(crate) fn classify(request: &Request) -> Class {
    match request.uri().path() {
        "/api/users" | "/internal/users" if request.method() == Method::POST => {
            Class::Untimed(Priority::Interactive)
        }
        _ => layer::classify(request),
    }
}
