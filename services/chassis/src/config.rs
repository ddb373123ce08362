//! The variables that every service reads.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use contract::env as name;
use contract::registry::{Instance, Registry};
use tracing_subscriber::filter::Targets;

use crate::env::Reader;
use crate::log_level;
use crate::secret::Secret;
use crate::trace::Endpoint;

/// What a service needs to run, whatever it does.
#[derive(Debug, Clone)]
pub struct Base {
    /// The service's name, e.g. `auth`; also the id of its key.
    pub service: &'static str,
    /// `DORAN_INSTANCE_ID`; the service's name unless set.
    pub instance: String,
    pub listener: Listen,
    /// `DORAN_DRAIN_SECS`, 10 unless set: how long requests in flight may take after SIGTERM.
    pub drain: Duration,
    /// `DORAN_LOG`, `info` unless set: `level` or `target=level`, separated by commas.
    pub log: Targets,
    /// `REDIS_URL`; the service works without.
    pub redis: Option<Secret>,
    /// `DORAN_REGISTRY` and `DORAN_<SERVICE>_URLS`; the latter win for their service.
    pub discovery: DiscoveryConfig,
    /// `DORAN_SERVICE_JWKS_FILE`; without it internal calls are refused.
    pub service_keys: Option<PathBuf>,
    /// `DORAN_SERVICE_KEY_FILE`; without it this service cannot make internal calls, and accepts no access token,
    /// because it does not hear which ones are revoked.
    pub service_key: Option<PathBuf>,
    /// `DORAN_PUBLIC_URL`, `http://localhost:8080` unless set.
    pub public_url: String,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` and its kin; without it no span is made.
    pub traces: Option<Endpoint>,
    /// Threads that run the service. Two: a machine of the stack runs six services and five databases.
    pub workers: usize,
}

/// Where the listening socket comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// `DORAN_BIND` (loopback unless set) and `DORAN_PORT`; port 0 takes any free one.
    Bind(SocketAddr),
    /// `DORAN_LISTENER=stdin`: opened by whoever started us, inherited as standard input.
    Stdin,
}

#[derive(Debug, Clone, Default)]
pub struct DiscoveryConfig {
    pub registry: Option<PathBuf>,
    pub fixed: Registry,
}

/// Gives the chassis its part of a service's configuration.
pub trait HasBase {
    fn base(&self) -> &Base;
}

impl HasBase for Base {
    fn base(&self) -> &Base {
        self
    }
}

/// `DATABASE_URL`, the runtime role's.
#[derive(Debug, Clone)]
pub struct Database {
    pub url: Secret,
    /// `DORAN_DB_CONNECTIONS`, 10 unless set: the most connections of this process.
    pub max_connections: u32,
}

impl Reader<'_> {
    /// Reads what every service reads. `port` is the one that the service has by convention.
    pub fn base(&mut self, service: &'static str, port: u16) -> Base {
        let bind: IpAddr = self.or(name::BIND, IpAddr::V4(Ipv4Addr::LOCALHOST));
        let port = self.or(name::PORT, port);
        let listener = match self.optional::<String>(name::LISTENER).as_deref() {
            None => Listen::Bind(SocketAddr::new(bind, port)),
            Some("stdin") => Listen::Stdin,
            Some(other) => {
                self.problem(format!("{} is not valid: `{other}`, only `stdin` is known", name::LISTENER));
                Listen::Stdin
            }
        };
        Base {
            service,
            instance: self.or(name::INSTANCE_ID, service.to_owned()),
            listener,
            drain: Duration::from_secs(self.or(name::DRAIN_SECS, 10)),
            log: self.log(),
            redis: self.optional(name::REDIS_URL),
            discovery: self.discovery(),
            service_keys: self.optional(name::SERVICE_JWKS_FILE),
            service_key: self.optional(name::SERVICE_KEY_FILE),
            public_url: self
                .or(name::PUBLIC_URL, "http://localhost:8080".to_owned())
                .trim_end_matches('/')
                .to_owned(),
            traces: Endpoint::read(self),
            workers: 2,
        }
    }

    /// The database of the service. `None` is always accompanied by a problem.
    pub fn database(&mut self) -> Option<Database> {
        let max_connections = self.or(name::DB_CONNECTIONS, 10);
        let url = self.required(name::DATABASE_URL)?;
        Some(Database { url, max_connections })
    }

    fn log(&mut self) -> Targets {
        let text = self.or(name::LOG, "info".to_owned());
        log_level::parse(&text).unwrap_or_else(|problem| {
            self.problem(format!("{} is not valid: {problem}", name::LOG));
            Targets::new()
        })
    }

    fn discovery(&mut self) -> DiscoveryConfig {
        let mut services = BTreeMap::new();
        for service in name::SERVICES.into_iter().chain([name::PAYMENT_SANDBOX]) {
            if let Some(urls) = self.optional::<String>(&name::urls_of(service)) {
                services.insert(service.to_owned(), self.instances(service, &urls));
            }
        }
        DiscoveryConfig { registry: self.optional(name::REGISTRY), fixed: Registry { services } }
    }

    fn instances(&mut self, service: &str, urls: &str) -> Vec<Instance> {
        let mut instances = Vec::new();
        for (n, url) in urls.split(',').map(str::trim).filter(|url| !url.is_empty()).enumerate() {
            match reqwest::Url::parse(url) {
                Ok(parsed) if parsed.scheme() == "http" && parsed.path() == "/" => {
                    let id = format!("{service}-{}", n + 1);
                    instances.push(Instance { id, url: url.trim_end_matches('/').to_owned() });
                }
                _ => self.problem(format!(
                    "{} is not valid: `{url}` is not of the form http://host:port",
                    name::urls_of(service)
                )),
            }
        }
        instances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_binds_to_loopback_unless_told_otherwise() {
        let env = [("DORAN_PORT", "9")];
        let base = Reader::new(&env).base("auth", 8081);
        assert_eq!(base.listener, Listen::Bind("127.0.0.1:9".parse().unwrap()));
        assert_eq!(base.instance, "auth");
    }

    #[test]
    fn urls_in_the_environment_stand_in_for_the_registry() {
        let env = [("DORAN_AUTH_URLS", "http://127.0.0.1:1/, http://127.0.0.1:2")];
        let base = Reader::new(&env).base("user", 8082);
        let urls: Vec<_> = base.discovery.fixed.services["auth"].iter().map(|i| i.url.as_str()).collect();
        assert_eq!(urls, ["http://127.0.0.1:1", "http://127.0.0.1:2"]);
    }

    #[test]
    fn wrong_values_are_named() {
        let env = [
            ("DORAN_BIND", "nowhere"),
            ("DORAN_LISTENER", "fd3"),
            ("DORAN_CHAT_URLS", "ftp://x"),
            ("DORAN_LOG", "loud"),
        ];
        let mut reader = Reader::new(&env);
        reader.base("auth", 8081);
        let problems = reader.finish(|| Some(())).unwrap_err().problems;
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems.iter().any(|p| p.contains("DORAN_CHAT_URLS") && p.contains("ftp://x")));
    }
}
