//! Everything that the configuration file decides, compiled and replaced as one.

use contract::gateway::GatewayConfig;
use thiserror::Error;

use crate::cors::{OriginFault, Origins};
use crate::forwarded::{BlockFault, TrustedProxies};
use crate::route::{RouteTable, TableFault};

/// Immutable; requests in flight keep the one they started with.
#[derive(Debug)]
pub(crate) struct Routing {
    pub(crate) table: RouteTable,
    pub(crate) origins: Origins,
    pub(crate) proxies: TrustedProxies,
}

#[derive(Debug, Error)]
pub(crate) enum RoutingFault {
    #[error("not the configuration of a gateway: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Table(#[from] TableFault),
    #[error("allowed origins: {0}")]
    Origins(#[from] OriginFault),
    #[error("trusted proxies: {0}")]
    Proxies(#[from] BlockFault),
}

impl Routing {
    pub(crate) fn compile(config: &GatewayConfig) -> Result<Self, RoutingFault> {
        Ok(Self {
            table: RouteTable::compile(config)?,
            origins: Origins::compile(&config.cors)?,
            proxies: TrustedProxies::compile(&config.trusted_proxies)?,
        })
    }

    pub(crate) fn parse(text: &str) -> Result<Self, RoutingFault> {
        Self::compile(&serde_json::from_str(text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_as_it_was_written_and_its_faults_are_named() {
        let mut config = GatewayConfig::standard();
        let parse = |config: &GatewayConfig| Routing::parse(&serde_json::to_string(config).unwrap());
        assert!(parse(&config).is_ok());
        config.trusted_proxies = vec!["everybody".into()];
        assert!(parse(&config).unwrap_err().to_string().contains("`everybody`"));
        assert!(Routing::parse("{}").is_err());
        assert!(Routing::parse("").is_err());
    }
}
