//! One service that we call: its instances, and what bounds the calls to it. Shared by all clients of a process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use contract::registry::Instance;
use resilience::balance::{Balancer, Standing, View};
use resilience::breaker::{Breaker, NotPermitted, State};
use resilience::bulkhead::Bulkhead;
use resilience::hedge::Hedge;
use resilience::retry::{Budget, Terms};

use super::breakers::Breakers;
use super::error::{CallError, Edge};
use super::lane::Lane;
use super::tally::Tally;
use super::view::{EndpointView, Hedges, TargetView};
use crate::discovery::Discovery;

/// Calls of this process to one service at once. A service has ten database connections and two cores: more would
/// only wait there instead of here.
const AT_ONCE: usize = 64;
/// Calls that may wait for their turn; at a few milliseconds a call they wait less than a tenth of a second.
const QUEUED: usize = 128;
/// When to come back to a breaker that is forced open or has all its probes out.
const PROBES_OUT: Duration = Duration::from_millis(100);
const FORCED: Duration = Duration::from_secs(5);

pub(super) struct Target {
    pub(super) edge: Edge,
    discovery: Discovery,
    breakers: Breakers,
    balancer: Balancer<Arc<Instance>>,
    endpoints: ArcSwap<Vec<Endpoint>>,
    /// Held while the list changes.
    changing: Mutex<()>,
    pub(super) bulkhead: Bulkhead,
    /// 20 % of the calls and 10 a second, whoever makes them.
    pub(super) retries: Budget,
    pub(super) hedge: Hedge,
    pub(super) tally: Tally,
}

#[derive(Clone)]
struct Endpoint {
    instance: Arc<Instance>,
    breaker: Breaker,
}

impl Target {
    pub(super) fn new(edge: Edge, discovery: Discovery, breakers: Breakers) -> Self {
        let target = Self {
            edge,
            discovery,
            breakers,
            balancer: Balancer::default(),
            endpoints: ArcSwap::default(),
            changing: Mutex::default(),
            bulkhead: Bulkhead::new(AT_ONCE, QUEUED),
            retries: Budget::new(Terms::RETRIES),
            hedge: Hedge::new(),
            tally: Tally::default(),
        };
        target.refresh();
        target
    }

    /// Takes over the instances as discovery has them now.
    pub(super) fn refresh(&self) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.endpoints.load_full();
        let instances = self.discovery.instances(self.edge.callee);
        // First those that left: an instance may be back under its name at another address.
        for old in before.iter().filter(|old| !instances.contains(&*old.instance)) {
            self.breakers.departed(&old.instance.id);
        }
        let endpoints = instances.into_iter().map(|instance| {
            let same = before.iter().find(|old| *old.instance == instance);
            same.cloned().unwrap_or_else(|| {
                let breaker = self.breakers.arrived(self.edge.callee, &instance.id);
                Endpoint { instance: Arc::new(instance), breaker }
            })
        });
        let endpoints: Vec<_> = endpoints.collect();
        let keys: Vec<_> = endpoints.iter().map(|endpoint| endpoint.instance.clone()).collect();
        self.endpoints.store(Arc::new(endpoints));
        self.balancer.update(&keys);
    }

    /// The better of two instances whose breakers let us through, none of `tried`.
    ///
    /// # Errors
    /// When there is no instance, or no breaker lets us through.
    pub(super) fn lane(&self, tried: &[Arc<Instance>], trace: &Arc<str>) -> Result<Lane, CallError> {
        let edge = self.edge;
        let endpoints = self.endpoints.load();
        let mut refused: Vec<Arc<Instance>> = Vec::new();
        let mut retry_after: Option<Duration> = None;
        while let Some(chosen) = self.balancer.choose(|key| !tried.contains(key) && !refused.contains(key)) {
            let key = chosen.key().clone();
            // The list may have changed since.
            if let Some(endpoint) = endpoints.iter().find(|endpoint| endpoint.instance == key) {
                match endpoint.breaker.try_acquire_in(Some(trace.clone())) {
                    Ok(permit) => return Ok(Lane::new(chosen, permit)),
                    Err(closed) => {
                        let wait = come_back(&closed);
                        retry_after = Some(retry_after.map_or(wait, |least| least.min(wait)));
                    }
                }
            }
            refused.push(key);
        }
        Err(retry_after
            .map_or(CallError::NoInstance { edge }, |retry_after| CallError::Open { edge, retry_after }))
    }

    /// Whether somebody else could be asked.
    pub(super) fn has_other_than(&self, tried: &[Arc<Instance>]) -> bool {
        self.endpoints.load().iter().any(|endpoint| !tried.contains(&endpoint.instance))
    }

    pub(super) fn view(&self) -> TargetView {
        let counts = self.hedge.counts();
        let endpoint = |view: View<Arc<Instance>>| EndpointView {
            instance: view.key.id.clone(),
            url: view.key.url.clone(),
            ejected: view.standing == Standing::Ejected,
            estimate: view.estimate,
            in_flight: view.in_flight,
        };
        TargetView {
            callee: self.edge.callee,
            calls: self.tally.by_kind(),
            retries_left: self.retries.left(),
            available: self.bulkhead.available(),
            max: self.bulkhead.max(),
            queued: self.bulkhead.queued(),
            hedges: Hedges {
                requests: counts.requests,
                sent: counts.sent,
                won: counts.won,
                delay: self.hedge.delay(),
            },
            endpoints: self.balancer.view().into_iter().map(endpoint).collect(),
        }
    }

    pub(super) fn has_several(&self) -> bool {
        self.endpoints.load().len() > 1
    }
}

fn come_back(closed: &NotPermitted) -> Duration {
    closed.retry_after.unwrap_or(match closed.state {
        State::ForcedOpen => FORCED,
        State::Open | State::HalfOpen | State::Closed | State::Disabled | State::MetricsOnly => PROBES_OUT,
    })
}
