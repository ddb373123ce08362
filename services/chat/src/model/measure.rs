//! What the calls to the model look like from outside.

use std::time::Duration;

use http::StatusCode;
use metrics::histogram;
use resilience::breaker::Outcome;

use super::error::ModelError;

/// One request each, under the name and labels that Micrometer gives to HTTP clients.
const REQUESTS: &str = "http_client_requests_seconds";
/// The same for the breaker; Resilience4j's name.
const GUARDED: &str = "resilience4j_circuitbreaker_calls_seconds";
/// One call each, retries included, by agent and outcome.
const CALLS: &str = "chat_model_calls_seconds";
/// From the request to the first word.
const FIRST_CONTENT: &str = "chat_model_first_content_seconds";

pub(super) fn attempt<A>(
    name: &'static str,
    result: &Result<A, ModelError>,
    judged: &Outcome,
    took: Duration,
) {
    let (status, outcome) = match result {
        Err(
            ModelError::Busy | ModelError::Open | ModelError::Throttled { .. } | ModelError::Request { .. },
        ) => {
            return;
        }
        Ok(_) => ("200".to_owned(), "SUCCESS"),
        Err(ModelError::Status { status, .. }) => (status.as_str().to_owned(), class(*status)),
        Err(_) => ("IO_ERROR".to_owned(), "UNKNOWN"),
    };
    histogram!(
        REQUESTS,
        "client_name" => name,
        "method" => "POST",
        "uri" => "/chat/completions",
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

pub(super) fn call<A>(label: &'static str, result: &Result<A, ModelError>, took: Duration) {
    let outcome = result.as_ref().err().map_or("success", ModelError::reason);
    histogram!(CALLS, "agent" => label, "outcome" => outcome).record(took);
}

pub(super) fn first_content(label: &'static str, took: Duration) {
    histogram!(FIRST_CONTENT, "agent" => label).record(took);
}

fn class(status: StatusCode) -> &'static str {
    if status.is_server_error() {
        "SERVER_ERROR"
    } else if status.is_client_error() {
        "CLIENT_ERROR"
    } else {
        "UNKNOWN"
    }
}
