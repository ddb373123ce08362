//! The resolved stack in the words of the stack file: what `doran config` prints can be read back.

use std::collections::BTreeMap;
use std::path::Path;

use contract::gateway::{Access, PublicPath, Route};
use serde::Serialize;

use super::duration;
use super::model::{Condition, Database, Probe, Restart, RestartPolicy, Scope, Service, Slo, SloGoal, Stack};

/// Stands for a value that is nobody's business.
pub(super) const REDACTED: &str = "***";

/// The word of the stack file for every service that a route leads to.
pub(super) const ALL: &str = "all";

/// Mirrors `raw.rs`, without optional keys.
#[derive(Debug, Serialize)]
pub(crate) struct View<'a> {
    name: &'a str,
    databases: BTreeMap<&'a str, DatabaseView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<CacheView>,
    services: BTreeMap<&'a str, ServiceView<'a>>,
    gateway: GatewayView<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    slos: BTreeMap<&'a str, SloView<'a>>,
}

#[derive(Debug, Serialize)]
struct SloView<'a> {
    kind: &'static str,
    service: &'a str,
    objective: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<String>,
    window: String,
}

#[derive(Debug, Serialize)]
struct DatabaseView<'a> {
    port: u16,
    migrations: String,
    seed: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    settings: &'a BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct CacheView {
    port: u16,
}

#[derive(Debug, Serialize)]
struct ServiceView<'a> {
    binary: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    args: &'a [String],
    port: u16,
    replicas: usize,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    replica_ports: &'a [u16],
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<&'a str>,
    inherit_listener: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    depends_on: BTreeMap<&'a str, Condition>,
    probe: ProbeView<'a>,
    start_timeout: String,
    stop_timeout: String,
    restart: RestartView,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ProbeView<'a> {
    Http {
        http: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        liveness: Option<&'a str>,
    },
    Word(&'static str),
}

#[derive(Debug, Serialize)]
struct RestartView {
    policy: RestartPolicy,
    backoff: String,
    max_backoff: String,
    crash_loop_after: u32,
}

#[derive(Debug, Serialize)]
struct GatewayView<'a> {
    cors: CorsView<'a>,
    trusted_proxies: &'a [String],
    routes: BTreeMap<&'a str, RouteView<'a>>,
}

#[derive(Debug, Serialize)]
struct CorsView<'a> {
    allowed_origins: &'a [String],
}

#[derive(Debug, Serialize)]
struct RouteView<'a> {
    paths: &'a [String],
    service: &'a str,
    access: Access,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    public: Vec<String>,
    rate_limit: RateLimitView,
    timeout: String,
}

#[derive(Debug, Serialize)]
struct RateLimitView {
    per_second: u32,
    burst: u32,
}

impl<'a> View<'a> {
    pub(crate) fn of(stack: &'a Stack) -> Self {
        let dir = stack.dir.as_path();
        let databases = stack.databases.iter();
        let services = stack.services.iter();
        Self {
            name: &stack.name,
            databases: databases
                .map(|(name, database)| (name.as_str(), DatabaseView::of(database, dir)))
                .collect(),
            cache: stack.cache.as_ref().map(|cache| CacheView { port: cache.port }),
            services: services
                .map(|(name, service)| (name.as_str(), ServiceView::of(service, dir)))
                .collect(),
            gateway: GatewayView {
                cors: CorsView { allowed_origins: &stack.gateway.cors.allowed_origins },
                trusted_proxies: &stack.gateway.trusted_proxies,
                routes: stack
                    .gateway
                    .routes
                    .iter()
                    .map(|route| (route.id.as_str(), RouteView::of(route)))
                    .collect(),
            },
            slos: stack.slos.iter().map(|(name, slo)| (name.as_str(), SloView::of(slo))).collect(),
        }
    }
}

impl<'a> SloView<'a> {
    fn of(slo: &'a Slo) -> Self {
        let (kind, threshold) = match slo.goal {
            SloGoal::Availability => ("availability", None),
            SloGoal::Latency { threshold } => ("latency", Some(duration::format(threshold))),
        };
        Self {
            kind,
            service: match &slo.scope {
                Scope::All => ALL,
                Scope::Service(name) => name,
            },
            objective: slo.objective.percent(),
            threshold,
            window: duration::format(slo.window),
        }
    }
}

impl<'a> DatabaseView<'a> {
    fn of(database: &'a Database, dir: &Path) -> Self {
        Self {
            port: database.port,
            migrations: relative(&database.migrations, dir),
            seed: database.seed,
            settings: &database.settings,
        }
    }
}

impl<'a> ServiceView<'a> {
    fn of(service: &'a Service, dir: &Path) -> Self {
        let (first, further) =
            service.ports.split_first().map_or((0, [].as_slice()), |(first, rest)| (*first, rest));
        let variables = service.env.iter().map(|(name, value)| (name.as_str(), shown(name, value)));
        let dependencies = service.depends_on.iter();
        Self {
            binary: relative(Path::new(&service.binary), dir),
            args: &service.args,
            port: first,
            replicas: service.ports.len(),
            replica_ports: further,
            database: service.database.as_deref(),
            inherit_listener: service.inherit_listener,
            depends_on: dependencies
                .map(|dependency| (dependency.on.as_str(), dependency.condition))
                .collect(),
            probe: match &service.probe {
                Probe::Http { path, liveness } => {
                    ProbeView::Http { http: path, liveness: liveness.as_deref() }
                }
                // A service is no database: the stack file has no words for those two.
                Probe::Tcp | Probe::Postgres | Probe::Redis => ProbeView::Word("tcp"),
                Probe::None => ProbeView::Word("none"),
            },
            start_timeout: duration::format(service.start_timeout),
            stop_timeout: duration::format(service.stop_timeout),
            restart: RestartView::of(&service.restart),
            env: variables.collect(),
        }
    }
}

impl RestartView {
    fn of(restart: &Restart) -> Self {
        Self {
            policy: restart.policy,
            backoff: duration::format(restart.backoff),
            max_backoff: duration::format(restart.max_backoff),
            crash_loop_after: restart.crash_loop_after,
        }
    }
}

impl<'a> RouteView<'a> {
    fn of(route: &'a Route) -> Self {
        Self {
            paths: &route.paths,
            service: &route.service,
            access: route.access,
            public: route.public.iter().map(written).collect(),
            rate_limit: RateLimitView {
                per_second: route.rate_limit.per_second,
                burst: route.rate_limit.burst,
            },
            timeout: duration::format(std::time::Duration::from_millis(route.timeout_ms)),
        }
    }
}

fn written(public: &PublicPath) -> String {
    match &public.method {
        Some(method) => format!("{method} {}", public.path),
        None => public.path.clone(),
    }
}

/// Paths below the stack file as somebody would write them there; a binary that was a path stays one.
fn relative(path: &Path, dir: &Path) -> String {
    match path.strip_prefix(dir) {
        Ok(below) if below.components().count() == 1 => format!("./{}", below.display()),
        Ok(below) => below.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// The value of a variable, unless its name says that it is a secret.
pub(super) fn shown<'a>(name: &str, value: &'a str) -> &'a str {
    const SECRET_WORDS: [&str; 6] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "CREDENTIAL", "KEY"];
    let name = name.to_ascii_uppercase();
    let is_a_path = name.ends_with("_FILE") || name.ends_with("_PATH");
    if !is_a_path && SECRET_WORDS.iter().any(|word| name.contains(word)) { REDACTED } else { value }
}
