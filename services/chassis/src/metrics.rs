//! Metrics in Prometheus' text form, under Micrometer's names.

use std::sync::OnceLock;
use std::time::Duration;

use contract::measure::HTTP_BOUNDARIES;
pub use contract::measure::HTTP_REQUESTS;
use http::{Method, StatusCode};
use metrics::{Unit, describe_histogram, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// The recorder is a global of the `metrics` crate, so its handle is one too.
static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to record. Later calls give the same handle.
///
/// # Panics
/// Never: the buckets are not empty.
pub fn install() -> PrometheusHandle {
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new().set_buckets(&HTTP_BOUNDARIES).expect("there are buckets");
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
pub(crate) fn method_label(method: &Method) -> &'static str {
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
