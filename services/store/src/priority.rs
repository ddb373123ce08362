//! What a request to store is, when too much is in flight.

use axum::extract::Request;
use chassis::layer::{self, Class, Priority};
use http::Method;

/// Whoever places, cancels or refunds an order waits for the payment provider: the time says nothing about our own
/// load. A provider repeats its webhooks, and what they tell is found out by asking, too.
pub(crate) fn classify(request: &Request) -> Class {
    let path = request.uri().path();
    if request.method() != Method::POST {
        return layer::classify(request);
    }
    match path.strip_prefix("/api/store/") {
        Some("payments/webhook") => Class::Counted(Priority::Batch),
        Some("orders") => Class::Untimed(Priority::Interactive),
        Some(rest)
            if rest.starts_with("orders/") && (rest.ends_with("/cancel") || rest.ends_with("/refund")) =>
        {
            Class::Untimed(Priority::Interactive)
        }
        Some(_) | None => layer::classify(request),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn waiting_for_the_provider_says_nothing_about_our_load() {
        let timed = Class::Counted(Priority::Interactive);
        let untimed = Class::Untimed(Priority::Interactive);
        for (method, path, expected) in [
            (Method::POST, "/api/store/orders", untimed),
            (Method::GET, "/api/store/orders", timed),
            (Method::POST, "/api/store/orders/7/cancel", untimed),
            (Method::POST, "/api/store/orders/7/refund", untimed),
            (Method::POST, "/api/store/orders/7/ship", timed),
            (Method::POST, "/api/store/payments/webhook", Class::Counted(Priority::Batch)),
            (Method::POST, "/api/store/bookmarks", timed),
        ] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            assert_eq!(classify(&request), expected, "{path}");
        }
    }
}
