//! What `doran top` shows: the JSON of the control API.
//!
//! A figure that nobody knows is null, never 0.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::duty::{Jobs, Sagas};
use super::scrape::{Consumer, Outbox};
use crate::supervisor::report::SupervisorReport;
use crate::supervisor::state::{Cause, Word};
use crate::supervisor::unit::Kind;

pub(crate) const TOP: &str = "doran.top/1";
pub(crate) const CHART: &str = "doran.top-chart/1";

/// Everything, at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Top {
    pub schema: String,
    pub instance: String,
    pub at: Timestamp,
    /// Of the newest figures; null when there are none yet.
    pub age_ms: Option<u64>,
    pub windows: Windows,
    pub supervisor: Supervisor,
    pub items: Vec<Row>,
}

/// What the figures are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Windows {
    pub cell_seconds: u32,
    pub sparkline_seconds: u32,
    pub chart_seconds: u32,
    /// Percentiles of fewer requests are null.
    pub fewest_requests: u64,
}

/// Who tells all this, and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Supervisor {
    #[serde(flatten)]
    pub report: SupervisorReport,
    /// Of one core, over the last minute.
    pub cpu_percent: Option<f64>,
    pub memory_bytes: Option<u64>,
    /// How long the last pass over all units took.
    pub pass_ms: Option<u64>,
}

/// A service with its replicas, a database, or the cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub name: String,
    pub kind: Kind,
    /// Of several replicas the worst.
    pub state: Word,
    /// Of the youngest replica.
    pub uptime_ms: Option<u64>,
    pub restarts: u32,
    pub last_failure: Option<Cause>,
    pub units: Vec<UnitRow>,
    /// Of the oldest of the replicas' last figures; null when there are none.
    pub age_ms: Option<u64>,
    /// It runs, and its figures are old: levels are null then.
    pub stale: bool,
    #[serde(flatten)]
    pub figures: Figures,
    /// Bounded to 60 s; oldest first.
    pub sparkline: Sparkline,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub database: Option<DatabaseRow>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cache: Option<CacheRow>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub events: Option<EventsRow>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub jobs: Option<Jobs>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sagas: Option<Sagas>,
}

/// One process of the stack with what it has started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnitRow {
    pub name: String,
    pub state: Word,
    pub pid: Option<i32>,
    pub port: Option<u16>,
    pub uptime_ms: Option<u64>,
    pub restarts: u32,
    pub age_ms: Option<u64>,
    pub stale: bool,
    #[serde(flatten)]
    pub figures: Figures,
}

/// Over the last 10 s; levels are of now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figures {
    /// Of one core.
    pub cpu_percent: Option<f64>,
    /// Resident; what processes of one unit share counts once.
    pub memory_bytes: Option<u64>,
    pub fds: Option<u32>,
    pub threads: Option<u32>,
    pub processes: Option<u32>,
    /// Requests, transactions or commands.
    pub per_second: Option<f64>,
    pub in_flight: Option<u32>,
    /// Requests behind the percentiles.
    pub timed_requests: Option<u64>,
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    /// Null without requests.
    pub percent_4xx: Option<f64>,
    pub percent_5xx: Option<f64>,
    pub received_per_second: Option<f64>,
    pub sent_per_second: Option<f64>,
}

/// Points of equal distance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sparkline {
    pub step_ms: i64,
    pub p95_ms: Vec<Option<f64>>,
    pub per_second: Vec<Option<f64>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DatabaseRow {
    pub connections: u32,
    pub max_connections: u32,
    /// Sessions that wait for a lock.
    pub waiting: u32,
    pub size_bytes: u64,
    pub replication_lag_ms: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CacheRow {
    /// Null when nothing was looked up.
    pub hit_percent: Option<f64>,
    pub used_bytes: u64,
    pub clients: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventsRow {
    pub outbox: Option<Outbox>,
    pub consumers: Vec<Consumer>,
}

/// One service over a longer time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Chart {
    pub schema: String,
    pub name: String,
    /// The end of the last point.
    pub at: Timestamp,
    pub step_ms: i64,
    /// Oldest first.
    pub points: Vec<Figures>,
}
