//! What the calls look like from outside.

use std::time::Duration;

use http::Method;
use metrics::histogram;
use resilience::breaker::Outcome;

use super::error::TossError;

/// One request each, under the name and labels that Micrometer gives to HTTP clients.
const REQUESTS: &str = "http_client_requests_seconds";
/// The same for the breaker; Resilience4j's name.
const GUARDED: &str = "resilience4j_circuitbreaker_calls_seconds";

/// `uri` is a template: a payment's key is for nobody's eyes.
pub(super) fn request<A>(
    name: &'static str,
    method: &Method,
    uri: &'static str,
    result: &Result<A, TossError>,
    judged: &Outcome,
    took: Duration,
) {
    let (status, outcome) = match result {
        Ok(_) => ("200".to_owned(), "SUCCESS"),
        Err(TossError::Refused { status, .. }) if status.is_server_error() => {
            (status.as_str().to_owned(), "SERVER_ERROR")
        }
        Err(TossError::Refused { status, .. }) => (status.as_str().to_owned(), "CLIENT_ERROR"),
        Err(_) => ("IO_ERROR".to_owned(), "UNKNOWN"),
    };
    histogram!(
        REQUESTS,
        "client_name" => name,
        "method" => method.as_str().to_owned(),
        "uri" => uri,
        "status" => status,
        "outcome" => outcome,
    )
    .record(took);
    let kind = match judged {
        Outcome::Success => "successful",
        Outcome::Failure { .. } => "failed",
        Outcome::Ignored { .. } | Outcome::Cancelled => "ignored",
    };
    histogram!(GUARDED, "name" => name, "kind" => kind).record(took);
}
