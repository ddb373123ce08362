//! From the resolved stack to the units that run it. Pure: what had to be found out first is in [`Facts`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use contract::env;

use super::graph::Graph;
use super::state::UnitId;
use super::unit::{self, Kind, UnitSpec};
use crate::layout::Layout;
use crate::secrets::Secrets;
use crate::shim::protocol::Launch;
use crate::stack::{Condition, Database, Probe, RestartPolicy, Service, Stack};

/// The path by which a unit's shim starts `doran` itself: right even when the file was replaced meanwhile.
const SELF: &str = "/proc/self/exe";
/// Initialising the very first cluster takes seconds; a migration of a large table may take minutes.
const JOB_TIMEOUT: Duration = Duration::from_mins(30);
const DATABASE_START: Duration = Duration::from_mins(1);
/// Fast shutdown writes a checkpoint; a minute of it would mean a broken disk.
const DATABASE_GRACE: Duration = Duration::from_secs(10);
/// The cache's unit.
pub(crate) const CACHE: &str = "redis";
const CACHE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the plan needs to know of this machine and this instance.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub layout: Layout,
    /// Asked for paths only.
    pub secrets: Secrets,
    /// Directory of the service binaries.
    pub binaries: PathBuf,
    /// Variables that every unit gets: `PATH`, `HOME`, the language and the like.
    pub base_env: BTreeMap<String, String>,
    pub databases: BTreeMap<String, Backing>,
    /// `None` when no server is installed: the stack runs without.
    pub cache: Option<Backing>,
}

/// How to run a backing service, and how services reach it.
#[derive(Debug, Clone)]
pub(crate) struct Backing {
    pub launch: Launch,
    pub url: String,
}

/// All units, dependencies first.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub units: Vec<UnitSpec>,
    pub graph: Graph,
}

impl Plan {
    pub(crate) fn new(stack: &Stack, facts: &Facts) -> Self {
        let mut units = Vec::new();
        for (name, database) in &stack.databases {
            units.extend(database_units(name, database, facts));
        }
        if let (Some(cache), Some(backing)) = (&stack.cache, &facts.cache) {
            units.push(cache_unit(cache.port, backing));
        }
        for (name, service) in &stack.services {
            units.extend(service_units(stack, name, service, facts));
        }
        let graph = graph_of(&units);
        Self { units, graph }
    }

    pub(crate) fn find(&self, name: &str) -> Option<UnitId> {
        self.units.iter().position(|unit| unit.name == name).map(UnitId)
    }

    pub(crate) fn unit(&self, id: UnitId) -> &UnitSpec {
        &self.units[id.0]
    }

    /// Units of that name, or all units of a service or database of that name.
    pub(crate) fn named(&self, name: &str) -> Vec<UnitId> {
        if let Some(id) = self.find(name) {
            return vec![id];
        }
        (0..self.units.len()).map(UnitId).filter(|id| self.unit(*id).service == name).collect()
    }
}

fn graph_of(units: &[UnitSpec]) -> Graph {
    let index: BTreeMap<&str, UnitId> =
        units.iter().enumerate().map(|(index, unit)| (unit.name.as_str(), UnitId(index))).collect();
    let dependencies = units
        .iter()
        .map(|unit| {
            let known = |(on, condition): &(String, Condition)| Some((*index.get(on.as_str())?, *condition));
            // A dependency on a cache that is not installed is no dependency.
            unit.depends_on.iter().filter_map(known).collect()
        })
        .collect();
    Graph::new(dependencies)
}

fn database_units(name: &str, database: &Database, facts: &Facts) -> Vec<UnitSpec> {
    let init = format!("{name}-init");
    let migrate = format!("{name}-migrate");
    let mut units = vec![
        job(name, "init", vec![], facts),
        UnitSpec {
            name: name.to_owned(),
            service: name.to_owned(),
            kind: Kind::Database,
            launch: facts.databases[name].launch.clone(),
            port: Some(database.port),
            depends_on: vec![(init, Condition::Completed)],
            probe: Probe::Postgres,
            start_timeout: DATABASE_START,
            stop_timeout: DATABASE_GRACE,
            restart: unit::restart(RestartPolicy::Always),
            inherit_listener: false,
        },
        job(name, "migrate", vec![(name.to_owned(), Condition::Healthy)], facts),
    ];
    if database.seed {
        units.push(job(name, "seed", vec![(migrate, Condition::Completed)], facts));
    }
    units
}

fn job(of: &str, verb: &str, depends_on: Vec<(String, Condition)>, facts: &Facts) -> UnitSpec {
    let stack = facts.layout.stack().to_string_lossy().into_owned();
    UnitSpec {
        name: format!("{of}-{verb}"),
        service: of.to_owned(),
        kind: Kind::Job,
        launch: Launch {
            program: SELF.into(),
            args: vec!["job".into(), "--stack".into(), stack, verb.into(), of.into()],
            env: facts.base_env.clone(),
            cwd: facts.layout.root().to_owned(),
            user: None,
        },
        port: None,
        depends_on,
        probe: Probe::None,
        start_timeout: JOB_TIMEOUT,
        stop_timeout: Duration::from_secs(5),
        restart: unit::restart(RestartPolicy::Never),
        inherit_listener: false,
    }
}

fn cache_unit(port: u16, backing: &Backing) -> UnitSpec {
    UnitSpec {
        name: CACHE.to_owned(),
        service: CACHE.to_owned(),
        kind: Kind::Cache,
        launch: backing.launch.clone(),
        port: Some(port),
        depends_on: vec![],
        probe: Probe::Redis,
        start_timeout: CACHE_TIMEOUT,
        stop_timeout: CACHE_TIMEOUT,
        restart: unit::restart(RestartPolicy::Always),
        inherit_listener: false,
    }
}

fn service_units(stack: &Stack, name: &str, service: &Service, facts: &Facts) -> Vec<UnitSpec> {
    let replicas = service.ports.len();
    let unit = |(index, port): (usize, &u16)| {
        let unit_name = if replicas == 1 { name.to_owned() } else { format!("{name}-{}", index + 1) };
        UnitSpec {
            launch: Launch {
                program: facts.binaries.join(&service.binary),
                args: service.args.clone(),
                env: service_env(stack, name, &unit_name, *port, facts),
                cwd: stack.dir.clone(),
                user: None,
            },
            name: unit_name,
            service: name.to_owned(),
            kind: Kind::Service,
            port: Some(*port),
            depends_on: dependencies(stack, service),
            probe: service.probe.clone(),
            start_timeout: service.start_timeout,
            stop_timeout: service.stop_timeout,
            restart: service.restart.clone(),
            inherit_listener: service.inherit_listener,
        }
    };
    service.ports.iter().enumerate().map(unit).collect()
}

/// What a service waits for, as units.
fn dependencies(stack: &Stack, service: &Service) -> Vec<(String, Condition)> {
    service.depends_on.iter().flat_map(|on| expand(stack, &on.on, on.condition)).collect()
}

/// A database counts as completed when it is migrated and seeded; a service means all its replicas.
fn expand(stack: &Stack, on: &str, condition: Condition) -> Vec<(String, Condition)> {
    match (stack.databases.get(on), stack.services.get(on), condition) {
        (Some(database), _, Condition::Completed) => {
            let last = if database.seed { "seed" } else { "migrate" };
            vec![(format!("{on}-{last}"), Condition::Completed), (on.to_owned(), Condition::Healthy)]
        }
        (None, Some(service), _) if service.ports.len() > 1 => {
            (1..=service.ports.len()).map(|replica| (format!("{on}-{replica}"), condition)).collect()
        }
        _ => vec![(on.to_owned(), condition)],
    }
}

/// The environment of one replica: what `doran env NAME` prints.
fn service_env(stack: &Stack, name: &str, unit: &str, port: u16, facts: &Facts) -> BTreeMap<String, String> {
    let layout = &facts.layout;
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let service = &stack.services[name];
    let secrets = &facts.secrets;
    let gateway_port = stack.services.get("gateway").and_then(|gateway| gateway.ports.first());
    let mut variables = facts.base_env.clone();
    variables.extend([
        (env::PORT.to_owned(), port.to_string()),
        (env::INSTANCE_ID.to_owned(), unit.to_owned()),
        (env::REGISTRY.to_owned(), text(layout.registry())),
        (env::SERVICE_JWKS_FILE.to_owned(), text(secrets.service_jwks_file())),
        (env::SERVICE_KEY_FILE.to_owned(), text(secrets.service_key_file(name))),
    ]);
    if let Some(port) = gateway_port {
        variables.insert(env::PUBLIC_URL.to_owned(), format!("http://localhost:{port}"));
    }
    let webhook_secret = || (env::PAYMENT_WEBHOOK_SECRET_FILE, secrets.payment_webhook_file());
    let files = match name {
        "auth" => vec![(env::AUTH_SEAL_FILE, secrets.auth_seal_file())],
        "gateway" => vec![(env::GATEWAY_CONFIG, layout.gateway_config())],
        "store" => vec![webhook_secret()],
        env::PAYMENT_SANDBOX => vec![webhook_secret(), (env::PAYMENT_LEDGER, layout.payment_ledger())],
        _ => vec![],
    };
    if name == "batch" {
        variables.insert(env::OBJECT_STORE_URL.to_owned(), format!("file://{}", text(layout.objects())));
    }
    variables.extend(files.into_iter().map(|(name, path)| (name.to_owned(), text(path))));
    if service.inherit_listener {
        variables.insert(env::LISTENER.to_owned(), "stdin".to_owned());
    }
    if let Some(database) = &service.database {
        variables.insert(env::DATABASE_URL.to_owned(), facts.databases[database].url.clone());
    }
    if let Some(cache) = &facts.cache {
        variables.insert(env::REDIS_URL.to_owned(), cache.url.clone());
    }
    variables.extend(service.env.clone());
    variables
}
