//! The resolved stack: every value decided, every reference checked. What the rest of `doran` works with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use contract::gateway::GatewayConfig;
use serde::{Deserialize, Serialize};

use super::share::Share;

/// One copy of the system on this machine. Ports already carry the instance's offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stack {
    pub name: String,
    pub instance: String,
    /// What was added to every port of the file.
    pub port_offset: u16,
    /// The absolute directory of the stack file; relative paths in it start here.
    pub dir: PathBuf,
    pub databases: BTreeMap<String, Database>,
    pub cache: Option<Cache>,
    pub services: BTreeMap<String, Service>,
    pub gateway: GatewayConfig,
    /// Left out in what a supervisor of an earlier version wrote down.
    #[serde(default)]
    pub slos: BTreeMap<String, Slo>,
}

/// An objective: this share of the requests is good, over that time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Slo {
    pub scope: Scope,
    pub goal: SloGoal,
    pub objective: Share,
    pub window: Duration,
}

/// Whose requests count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Scope {
    /// Every service that a route leads to, each by itself.
    All,
    Service(String),
}

/// What makes a request a good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SloGoal {
    /// It is not answered with a 5xx.
    Availability,
    /// It is answered within this, a boundary of the services' histogram.
    Latency { threshold: Duration },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Database {
    pub port: u16,
    /// Directory of the database's migrations, absolute.
    pub migrations: PathBuf,
    /// Demo data goes in when the database is new.
    pub seed: bool,
    /// PostgreSQL settings on top of ours, e.g. `max_connections: "200"`.
    pub settings: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cache {
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Service {
    /// The binary's name beside `doran`, or an absolute path.
    pub binary: String,
    pub args: Vec<String>,
    /// One per replica.
    pub ports: Vec<u16>,
    pub database: Option<String>,
    pub depends_on: Vec<Dependency>,
    pub probe: Probe,
    pub start_timeout: Duration,
    pub stop_timeout: Duration,
    pub restart: Restart,
    pub env: BTreeMap<String, String>,
    /// The supervisor opens the listener and the unit inherits it, so that a restart refuses no connection.
    pub inherit_listener: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dependency {
    /// A unit, a service (all replicas) or a database (its migration and seed included when `completed`).
    pub on: String,
    pub condition: Condition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Condition {
    /// Its process runs.
    Started,
    /// Its probe succeeds.
    Healthy,
    /// It ran to its end with exit code 0.
    Completed,
}

/// How to tell that a unit is ready. Native, never a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Probe {
    /// `GET` on the unit's port answers 2xx. When it does not, `liveness` tells a unit that waits for something
    /// from one that hangs; without a liveness path any answer is a sign of life.
    Http { path: String, liveness: Option<String> },
    /// The unit's port accepts a connection.
    Tcp,
    /// PostgreSQL answers a start-up packet.
    Postgres,
    /// Redis answers `PING` with `PONG`, or asks for the password.
    Redis,
    /// Running is ready.
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Restart {
    pub policy: RestartPolicy,
    /// The first restart is immediate; later ones wait from this, doubling with jitter.
    pub backoff: Duration,
    pub max_backoff: Duration,
    /// This many failures without a stable minute between them make a crash loop.
    pub crash_loop_after: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RestartPolicy {
    Always,
    OnFailure,
    Never,
}
