//! Metrics in Prometheus' text form, under Micrometer's names.

use std::sync::OnceLock;
use std::time::Duration;

use http::{Method, StatusCode};
use metrics::{Unit, describe_histogram, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Every request, by method, route template, status and outcome.
pub const HTTP_REQUESTS: &str = "http_server_requests_seconds";

/// In seconds. 0.2 is the platform's stated target for the mean, 10 the limit of a route.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0];

/// The recorder is a global of the `metrics` crate, so its handle is one too.
static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to record. Later calls give the same handle.
///
/// # Panics
/// Never: the buckets are not empty.
pub fn install() -> PrometheusHandle {
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).expect("there are buckets");
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            // Fails only when somebody else installed a recorder: then ours stays empty.
            let _ = metrics::set_global_recorder(recorder);
            describe_histogram!(HTTP_REQUESTS, Unit::Seconds, "Duration of HTTP server request handling");
            handle
        })
        .clone()
}

/// Records one answered request. `uri` is a template, never the path itself.
pub fn record_request(method: &Method, uri: &str, status: StatusCode, took: Duration) {
    histogram!(
        HTTP_REQUESTS,
        "method" => method_label(method),
        "uri" => uri.to_owned(),
        "status" => status.as_str().to_owned(),
        "outcome" => outcome(status),
    )
    .record(took);
}

/// Methods that are not of the API count as one, so that nobody can make up labels.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

fn outcome(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "INFORMATIONAL",
        2 => "SUCCESS",
        3 => "REDIRECTION",
        4 => "CLIENT_ERROR",
        5 => "SERVER_ERROR",
        _ => "UNKNOWN",
    }
}
