//! What auth refuses last when too much is in flight.

use axum::extract::Request;
use chassis::layer::{self, Class, Priority};
use contract::auth::JWKS_PATH;
use http::Method;

/// Sessions come first: the web client logs its user out when a refresh fails, and everybody who is logged out
/// comes back with a password. Those wait in the queue for hashing, so their time says nothing about the rest.
pub(crate) fn classify(request: &Request) -> Class {
    match request.uri().path() {
        "/api/auth/login" => Class::Untimed(Priority::Auth),
        "/api/auth/refresh" | "/api/auth/logout" | JWKS_PATH => Class::Counted(Priority::Auth),
        path if request.method() == Method::PUT && path.starts_with("/internal/credentials/") => {
            Class::Untimed(Priority::Interactive)
        }
        _ => layer::classify(request),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn sessions_come_first() {
        let request = |method: &str, path: &str| {
            Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
        };
        for (method, path, expected) in [
            ("POST", "/api/auth/login", Class::Untimed(Priority::Auth)),
            ("POST", "/api/auth/refresh", Class::Counted(Priority::Auth)),
            ("GET", JWKS_PATH, Class::Counted(Priority::Auth)),
            ("GET", "/api/auth/me", Class::Counted(Priority::Interactive)),
            ("PUT", "/internal/credentials/x", Class::Untimed(Priority::Interactive)),
            ("DELETE", "/internal/credentials/x", Class::Counted(Priority::Interactive)),
            ("GET", "/internal/events", Class::Waiting),
        ] {
            assert_eq!(classify(&request(method, path)), expected, "{method} {path}");
        }
    }
}
