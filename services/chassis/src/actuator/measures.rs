//! `/actuator/prometheus` for scrapers, `/actuator/metrics` for people and Spring's tools.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use contract::code::ErrorCode;
use http::{StatusCode, header};
use metrics::gauge;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::extract::ApiPath;
use crate::platform::Platform;

/// `GET /actuator/prometheus`
pub(super) async fn prometheus(State(platform): State<Platform>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], render(&platform))
}

/// `GET /actuator/metrics`
pub(super) async fn names(State(platform): State<Platform>) -> Json<Value> {
    let text = render(&platform);
    let names: BTreeSet<_> = samples(&text).map(|sample| base_name(sample.name).0).collect();
    Json(json!({ "names": names }))
}

/// `GET /actuator/metrics/{name}`: sums over all labels; dots and underscores are the same.
pub(super) async fn one(
    State(platform): State<Platform>,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<Value>, ApiError> {
    let text = render(&platform);
    let measured = measure(&text, &name);
    measured.map(Json).ok_or_else(|| ApiError::new(ErrorCode::BadRequest).status(StatusCode::NOT_FOUND))
}

/// Everything recorded, with what is only known at this moment.
fn render(platform: &Platform) -> String {
    gauge!("process_uptime_seconds").set(platform.uptime().as_secs_f64());
    if let Some(bytes) = resident_bytes() {
        gauge!("process_resident_memory_bytes").set(bytes);
    }
    if let Some(pool) = platform.health().database() {
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        let (size, idle) = (f64::from(pool.size()), f64::from(idle));
        gauge!("hikaricp_connections").set(size);
        gauge!("hikaricp_connections_idle").set(idle);
        gauge!("hikaricp_connections_active").set(size - idle);
        gauge!("hikaricp_connections_max").set(f64::from(pool.options().get_max_connections()));
    }
    crate::traffic::publish();
    crate::trace::publish();
    platform.calls().publish();
    gauge!("http_server_concurrency_limit").set(f64::from(platform.shedder().limit()));
    gauge!("http_server_in_flight_requests").set(f64::from(platform.shedder().in_flight()));
    crate::event::record(platform.events());
    platform.metrics().render()
}

fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

struct Sample<'a> {
    name: &'a str,
    labels: &'a str,
    value: f64,
}

/// The samples of Prometheus' text form.
fn samples(text: &str) -> impl Iterator<Item = Sample<'_>> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        Some(Sample { name, labels: labels.trim_end_matches('}'), value: value.parse().ok()? })
    })
}

/// A series' metric and what it says of it.
fn base_name(series: &str) -> (&str, &'static str) {
    if let Some(name) = series.strip_suffix("_count") {
        (name, "COUNT")
    } else if let Some(name) = series.strip_suffix("_sum") {
        (name, "TOTAL_TIME")
    } else if let Some(name) = series.strip_suffix("_bucket") {
        (name, "BUCKET")
    } else {
        (series, "VALUE")
    }
}

fn measure(text: &str, name: &str) -> Option<Value> {
    let wanted = name.replace('.', "_");
    let mut measurements: BTreeMap<&str, f64> = BTreeMap::new();
    let mut tags: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for sample in samples(text) {
        let (base, statistic) = base_name(sample.name);
        // Micrometer's own name has no unit: http.server.requests is http_server_requests_seconds here.
        if statistic == "BUCKET" || (base != wanted && base.strip_suffix("_seconds") != Some(&wanted)) {
            continue;
        }
        *measurements.entry(statistic).or_default() += sample.value;
        for (tag, value) in sample.labels.split("\",").filter_map(|label| label.split_once("=\"")) {
            tags.entry(tag).or_default().insert(value.trim_end_matches('"'));
        }
    }
    if measurements.is_empty() {
        return None;
    }
    let measurements: Vec<_> = measurements
        .iter()
        .map(|(statistic, value)| json!({ "statistic": statistic, "value": value }))
        .collect();
    let tags: Vec<_> = tags.iter().map(|(tag, values)| json!({ "tag": tag, "values": values })).collect();
    Some(json!({ "name": name, "measurements": measurements, "availableTags": tags }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# TYPE http_server_requests_seconds histogram
http_server_requests_seconds_bucket{method=\"GET\",uri=\"/a\",le=\"0.2\"} 2
http_server_requests_seconds_sum{method=\"GET\",uri=\"/a\"} 0.5
http_server_requests_seconds_count{method=\"GET\",uri=\"/a\"} 2
http_server_requests_seconds_sum{method=\"PUT\",uri=\"/b\"} 0.25
http_server_requests_seconds_count{method=\"PUT\",uri=\"/b\"} 1
process_uptime_seconds 4.5
";

    #[test]
    fn a_metric_is_summed_over_its_labels() {
        let expected = json!({
            "name": "http.server.requests",
            "measurements": [{"statistic": "COUNT", "value": 3.0}, {"statistic": "TOTAL_TIME", "value": 0.75}],
            "availableTags": [
                {"tag": "method", "values": ["GET", "PUT"]},
                {"tag": "uri", "values": ["/a", "/b"]},
            ],
        });
        assert_eq!(measure(TEXT, "http.server.requests"), Some(expected));
        assert_eq!(measure(TEXT, "process_uptime_seconds").unwrap()["measurements"][0]["value"], 4.5);
        assert_eq!(measure(TEXT, "nothing"), None);
    }
}
