//! Where the instances of a service are: from the environment by hand, else from the registry that `doran`
//! keeps current.

use std::sync::Arc;

use contract::registry::{Instance, Registry};

use crate::config::DiscoveryConfig;
use crate::watched::{WatchError, Watched};

/// Cheap to clone.
#[derive(Clone)]
pub struct Discovery {
    fixed: Arc<Registry>,
    registry: Watched<Registry>,
}

impl Discovery {
    /// # Errors
    /// When the registry's directory cannot be watched, or the file is there and not valid.
    pub fn start(config: &DiscoveryConfig) -> Result<Self, WatchError> {
        let registry = match &config.registry {
            Some(path) => Watched::open_or(path, Registry::default(), parse)?,
            None => Watched::fixed(Registry::default()),
        };
        Ok(Self { fixed: Arc::new(config.fixed.clone()), registry })
    }

    /// The instances to call right now, possibly none.
    pub fn instances(&self, service: &str) -> Vec<Instance> {
        match self.fixed.services.get(service) {
            Some(instances) => instances.clone(),
            None => self.registry.current().services.get(service).cloned().unwrap_or_default(),
        }
    }

    /// All services at once: the registry, with what the environment fixes.
    pub fn snapshot(&self) -> Registry {
        let mut all = (*self.registry.current()).clone();
        all.services.extend(self.fixed.services.clone());
        all
    }

    /// Tells of every change of the registry; read [`Self::snapshot`] then.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<Arc<Registry>> {
        self.registry.subscribe()
    }

    /// Instance number `turn` of a service, counting around.
    pub fn pick(&self, service: &str, turn: usize) -> Option<Instance> {
        let mut instances = self.instances(service);
        if instances.is_empty() {
            return None;
        }
        let chosen = turn % instances.len();
        Some(instances.swap_remove(chosen))
    }
}

fn parse(text: &str) -> Result<Registry, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}
