//! All services that this process calls. What bounds the calls to one is shared by all that make them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::attempt::Sender;
use super::breakers::Breakers;
use super::error::Edge;
use super::service::ServiceClient;
use super::target::Target;
use crate::discovery::Discovery;
use crate::identity::ServiceSigner;

/// Cheap to clone; clones share the targets.
#[derive(Clone)]
pub struct Switchboard {
    caller: &'static str,
    http: reqwest::Client,
    signer: Option<ServiceSigner>,
    discovery: Discovery,
    breakers: Breakers,
    targets: Arc<Mutex<BTreeMap<&'static str, Arc<Target>>>>,
}

impl Switchboard {
    pub(crate) fn new(
        caller: &'static str,
        http: reqwest::Client,
        signer: Option<ServiceSigner>,
        discovery: Discovery,
    ) -> Self {
        Self { caller, http, signer, discovery, breakers: Breakers::default(), targets: Arc::default() }
    }

    /// A client for `callee` whose calls take at most `limit`.
    pub(crate) fn client(&self, callee: &'static str, limit: Duration) -> ServiceClient {
        let edge = Edge { caller: self.caller, callee };
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let target = targets
            .entry(callee)
            .or_insert_with(|| Arc::new(Target::new(edge, self.discovery.clone(), self.breakers.clone())));
        let sender = Sender { edge, http: self.http.clone(), signer: self.signer.clone() };
        ServiceClient::new(sender, target.clone(), limit)
    }

    pub(crate) const fn breakers(&self) -> &Breakers {
        &self.breakers
    }

    pub(super) fn targets(&self) -> Vec<Arc<Target>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Takes over every change of the instances, also while nobody calls. Ends when they cannot change.
    pub(crate) async fn follow(self) {
        let mut changes = self.discovery.changes();
        loop {
            for target in self.targets() {
                target.refresh();
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}
