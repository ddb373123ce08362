//! What the gateway reads from its environment.

use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use chassis::{Base, ConfigError, Env, HasBase, Reader};
use contract::env as name;

#[derive(Debug, Clone)]
pub struct Config {
    pub base: Base,
    /// `DORAN_GATEWAY_CONFIG`; the standard routes unless set.
    pub routes: Option<PathBuf>,
    /// `DORAN_GATEWAY_CORES`, all of the machine's unless set: threads that serve requests.
    pub cores: usize,
    pub limits: Limits,
}

/// What clients may take. Fixed, except for tests that cannot wait that long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body: u64,
    /// For the rest of a head, once its first byte is there.
    pub head: Duration,
    /// Between two requests of a connection.
    pub idle: Duration,
    /// For a client to take what was sent to it; for a service, too, once a WebSocket is open.
    pub stall: Duration,
    /// Without a byte in either direction of a WebSocket. Services ping every 25 s.
    pub quiet: Duration,
    /// An idle connection may still send a request for this long when the gateway stops.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1024 * 1024,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(30),
            quiet: Duration::from_secs(75),
            farewell: Duration::from_millis(250),
        }
    }
}

impl Config {
    /// # Errors
    /// When a variable has a value that is not usable.
    pub fn from_env(env: &dyn Env) -> Result<Self, ConfigError> {
        let mut read = Reader::new(env);
        let mut base = read.base("gateway", 8080);
        // The chassis' own runtime only accepts connections; the cores have theirs.
        base.workers = 1;
        let routes = read.optional(name::GATEWAY_CONFIG);
        let cores = read.or("DORAN_GATEWAY_CORES", available_parallelism().map_or(1, usize::from));
        if cores == 0 {
            read.problem("DORAN_GATEWAY_CORES is not valid: at least one core must serve".to_owned());
        }
        read.finish(|| Some(Self { base, routes, cores, limits: Limits::default() }))
    }
}

impl HasBase for Config {
    fn base(&self) -> &Base {
        &self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_listens_on_8080_and_serves_the_standard_routes_unless_told_otherwise() {
        let config = Config::from_env(&[]).unwrap();
        assert_eq!(config.base.listener, chassis::config::Listen::Bind("127.0.0.1:8080".parse().unwrap()));
        assert!(config.routes.is_none() && config.cores > 0);
        let config = Config::from_env(&[("DORAN_GATEWAY_CONFIG", "/x.json"), ("DORAN_GATEWAY_CORES", "3")]);
        let config = config.unwrap();
        assert_eq!((config.routes, config.cores), (Some("/x.json".into()), 3));
        assert!(Config::from_env(&[("DORAN_GATEWAY_CORES", "0")]).is_err());
    }
}
