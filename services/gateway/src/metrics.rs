//! How requests are counted: one histogram handle per route pattern, method and status, made once a core. And how
//! many tunnels are open.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use chassis::latency;
use chassis::metrics::HTTP_REQUESTS;
use http::{Method, StatusCode};
use metrics::{Gauge, Histogram, gauge, histogram};

/// More than routes, methods and statuses make; a guard against a mistake, not a limit that is met.
const MAX_SERIES: usize = 10_000;

type Series = (Arc<str>, &'static str, u16);

pub(crate) struct Metrics {
    handles: RefCell<HashMap<Series, Histogram>>,
    in_flight: Gauge,
    not_found: Arc<str>,
    unknown: Arc<str>,
}

/// One request being measured.
pub(crate) struct Meter {
    histogram: Histogram,
    started: Instant,
    /// It counts in the percentiles, too.
    timed: bool,
}

/// A request that has begun and whose answer has not ended, counted until this is dropped.
pub(crate) struct InFlight(Gauge);

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            handles: RefCell::default(),
            in_flight: gauge!("gateway_requests_in_flight"),
            not_found: "NOT_FOUND".into(),
            unknown: "UNKNOWN".into(),
        }
    }

    /// Counts a request that begins.
    pub(crate) fn begin(&self) -> InFlight {
        self.in_flight.increment(1);
        InFlight(self.in_flight.clone())
    }

    /// The label of a request without a route, in Spring's words.
    pub(crate) fn unmatched(&self, status: StatusCode) -> Arc<str> {
        Arc::clone(if status == StatusCode::NOT_FOUND { &self.not_found } else { &self.unknown })
    }

    /// `pattern` is that of the route, never the path.
    pub(crate) fn meter(
        &self,
        pattern: Arc<str>,
        method: &'static str,
        status: StatusCode,
        started: Instant,
    ) -> Option<Meter> {
        let mut handles = self.handles.borrow_mut();
        if handles.len() >= MAX_SERIES {
            return None;
        }
        let series = (pattern, method, status.as_u16());
        let histogram = handles.entry(series).or_insert_with_key(|(uri, method, status)| {
            histogram!(
                HTTP_REQUESTS,
                "method" => *method,
                "uri" => uri.to_string(),
                "status" => status.to_string(),
                "outcome" => outcome(*status),
            )
        });
        Some(Meter { histogram: histogram.clone(), started, timed: true })
    }
}

impl Meter {
    pub(crate) fn record(&self) {
        let took = self.started.elapsed();
        self.histogram.record(took);
        if self.timed {
            latency::record(took);
        }
    }

    /// What lasts as long as somebody listens, and what was over at once, says nothing about durations.
    pub(crate) fn untimed(self) -> Self {
        Self { timed: false, ..self }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

/// One open WebSocket, counted until this is dropped.
pub(crate) struct ActiveTunnel(Gauge);

impl ActiveTunnel {
    /// `pattern` is that of the route, as for requests.
    pub(crate) fn count(pattern: &Arc<str>) -> Self {
        let active = gauge!("gateway_websockets_active", "uri" => pattern.to_string());
        active.increment(1);
        Self(active)
    }
}

impl Drop for ActiveTunnel {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

/// A client may make up methods; the label has only known ones.
pub(crate) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

fn outcome(status: u16) -> &'static str {
    match status / 100 {
        1 => "INFORMATIONAL",
        2 => "SUCCESS",
        3 => "REDIRECTION",
        4 => "CLIENT_ERROR",
        5 => "SERVER_ERROR",
        _ => "UNKNOWN",
    }
}
