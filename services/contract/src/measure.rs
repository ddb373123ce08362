//! What every service measures in the same way, for those who read its metrics.

/// The histogram of answered requests, labelled method, uri (a template), status and outcome.
pub const HTTP_REQUESTS: &str = "http_server_requests_seconds";

/// Upper bounds of its buckets in seconds. 0.2 is the platform's stated target, 10 the limit of a route.
pub const HTTP_BOUNDARIES: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0];
